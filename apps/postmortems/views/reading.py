"""Reading filed reviews: the list, one of them, and those of an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.accounts.models import AUTHORS
from apps.accounts.pages import AuthedRequest, listing, page
from apps.actions.models import ActionItem
from apps.incidents.models import Incident
from apps.postmortems.filters import FilterForm
from apps.postmortems.models import Draft, Postmortem, split_lines
from apps.postmortems.words import FIELDS

if TYPE_CHECKING:
    from apps.postmortems.models import PostmortemLabel

MY_DRAFTS = 8
UNPROCESSABLE = 422


@page()
def list_postmortems(request: AuthedRequest) -> HttpResponse:
    """The newest versions, filtered, with drafts to resume above them."""
    form = FilterForm(request.GET)
    newest = Postmortem.objects.visible_to(request.user).newest().with_names()
    found = form.narrowed(newest.select_related("incident").prefetch_related("labels__term"))
    context = {
        "form": form,
        "listing": listing(request, found, "-id"),
        "drafts": _drafts(request),
        "may_write": request.user.has_role(*AUTHORS),
        "is_filtered": any(value for name, value in request.GET.items() if name in form.fields),
    }
    status = 200 if form.is_valid() else UNPROCESSABLE
    return render(request, "postmortems/list.html", context, status=status)


@page()
def show(request: AuthedRequest, pk: int) -> HttpResponse:
    """One review to read, print and cite, with what followed from it."""
    visible = Postmortem.objects.visible_to(request.user)
    found = visible.with_parts().select_related("incident__severity").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such postmortem.")
    versions = list(visible.versions_of(pk).select_related("author"))
    incident = found.incident
    actions = ActionItem.objects.visible_to(request.user).with_names()
    context = {
        "postmortem": found,
        "versions": versions,
        "newer": versions[0] if versions[0].pk != pk else None,
        "label_fields": _label_fields(found),
        "metrics": list(incident.metrics().values()) if incident is not None else [],
        "lines": split_lines(found.narrative),
        "actions": list(
            actions.filter(postmortem_id__in=[row.pk for row in versions]).order_by("rank", "pk")
        ),
        "today": timezone.now().date(),
        "may_write": request.user.has_role(*AUTHORS),
    }
    return render(request, "postmortems/detail.html", context)


@page()
def incident_panel(request: AuthedRequest, pk: int) -> HttpResponse:
    """The reviews of an incident and its open drafts: a fragment by htmx, else a page of its own."""
    incident = Incident.objects.visible_to(request.user).filter(pk=pk).first()
    if incident is None:
        raise Http404("There is no such incident.")
    found = Postmortem.objects.visible_to(request.user).newest().with_names().filter(incident=incident)
    drafts = Draft.objects.visible_to(request.user).open().filter(incident=incident)
    context = {
        "incident": incident,
        "found": list(found[:50]),
        "drafts": list(drafts.select_related("author")[:20]),
        "may_write": request.user.has_role(*AUTHORS),
    }
    template = "partials/incident_panel.html" if request.htmx else "incident_panel.html"
    return render(request, f"postmortems/{template}", context)


def _drafts(request: AuthedRequest) -> list[Draft]:
    """Drafts that this person began or changed last."""
    drafts = Draft.objects.visible_to(request.user).open().select_related("updated_by", "author")
    mine = drafts.filter(author=request.user) | drafts.filter(updated_by=request.user)
    return list(mine[:MY_DRAFTS])


def _label_fields(found: Postmortem) -> list[tuple[str, str, list[PostmortemLabel]]]:
    """(slug, name of the vocabulary, labels) of each field that has some, in the order of the form."""
    by_field = found.labels_by_field()
    return [
        (field.slug, by_field[field.slug][0].term.vocabulary.label, by_field[field.slug])
        for field in FIELDS
        if field.slug in by_field
    ]
