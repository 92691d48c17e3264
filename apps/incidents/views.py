"""Pages of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.models import AUTHORS
from apps.accounts.pages import AuthedRequest, listing, page
from apps.catalog.models import Service, Term
from apps.common.errors import DomainError, NotFoundError
from apps.ui.forms import add_domain_error

from . import conflicts, filters, graphic, services
from .codes import Kind, Origin, State, TimeKind, next_states
from .errors import StaleError
from .forms import IncidentForm, NewIncidentForm, SeriesInput, StateForm
from .models import Incident
from .story import history, next_step, series_links

if TYPE_CHECKING:
    from django.http import HttpResponse

REFUSED = 422


@page()
def list_incidents(request: AuthedRequest) -> HttpResponse:
    """Ours first, the latest first, narrowed by what stands in the address."""
    found = filters.narrowed(Incident.objects.visible_to(request.user).with_times(), request.GET)
    shown = listing(request, found, ["origin", "-occurred_at", "-id"])
    given = {name: request.GET.get(name, "") for name in (*filters.COLUMNS, "is", "q")}
    context = {
        "rows": [{"incident": each, "metrics": each.metrics()} for each in shown.items],
        "next_url": shown.next_url,
        "given": given,
        "narrowed": any(given.values()),
        "services": Service.objects.order_by("slug").values_list("slug", flat=True)[:500],
        "severities": Term.objects.filter(vocabulary="severity").order_by("position"),
        "kinds": Kind.choices,
        "origins": Origin.choices,
        "may_write": request.user.has_role(*AUTHORS),
    }
    return render(request, "incidents/list.html", context)


@page(get=AUTHORS, post=AUTHORS)
def new_incident(request: AuthedRequest) -> HttpResponse:
    """Declare an incident or a near miss; `?service=` and `?kind=` fill the form in."""
    if request.method != "POST":
        initial = {name: request.GET[name] for name in ("service", "kind") if name in request.GET}
        return _form(request, NewIncidentForm(incident=None, initial=initial))
    form = NewIncidentForm(request.POST, incident=None)
    if form.is_valid():
        try:
            incident = services.declare_incident(**form.told(), declared_by=request.user)
        except DomainError as error:
            form.refuse(error)
        else:
            messages.success(request, f"Incident {incident.pk} is declared.")
            return redirect("incidents:detail", incident.pk)
    return _form(request, form, status=REFUSED)


@page(get=AUTHORS, post=AUTHORS)
def edit_incident(request: AuthedRequest, pk: int) -> HttpResponse:
    """Amend; whoever comes second is told what the first changed, and loses nothing."""
    incident = _visible(request, pk)
    if request.method != "POST":
        return _form(request, IncidentForm(incident=incident, initial=_initial(incident)))
    form = IncidentForm(request.POST, incident=incident)
    if not form.is_valid():
        return _form(request, form, status=REFUSED)
    seen = form.cleaned_data["version"] or incident.version
    try:
        services.amend_incident(incident_id=pk, seen_version=seen, editor=request.user, **form.told())
    except StaleError as error:
        again, found = conflicts.merged(form, error, _visible(request, pk))
        if not found and again.is_valid():  # a version that there never was
            again.add_error(None, f"{error.detail} Look it through, then save once more.")
        return _form(request, again, status=REFUSED, conflicts=found)
    except DomainError as error:
        form.refuse(error)
        return _form(request, form, status=REFUSED)
    messages.success(request, "Saved.")
    return redirect("incidents:detail", pk)


@page()
def show_incident(request: AuthedRequest, pk: int) -> HttpResponse:
    """One incident: what it is, when it was, and what to do next."""
    return _detail(request, _visible(request, pk))


@page(get=None, post=AUTHORS)
def move_incident(request: AuthedRequest, pk: int) -> HttpResponse:
    """Go to the next state."""
    incident = _visible(request, pk)
    form = StateForm(request.POST, incident=incident, choices=next_states(incident.state))
    if not form.is_valid():
        return _detail(request, incident, form=form, status=REFUSED)
    told = form.cleaned_data
    try:
        moved = services.change_state(
            incident_id=pk,
            state=told["state"],
            note=told["note"],
            at=told["at"],
            merged_into=told["merged_into"] if told["state"] == State.MERGED else None,
            seen_version=told["version"],
            actor=request.user,
        )
    except DomainError as error:
        add_domain_error(form, error)
        return _detail(request, _visible(request, pk), form=form, status=REFUSED)
    messages.success(request, f"The incident is {State(moved.state).label.lower()} now.")
    return redirect("incidents:detail", pk)


@page(get=AUTHORS)
def series_choices(request: AuthedRequest) -> HttpResponse:
    """The series of a service as boxes, for the form, whenever the service there changes."""
    widget = SeriesInput()
    widget.service = request.GET.get("service", "")
    chosen = widget.value_from_datadict(request.GET, None, "series")
    context = widget.get_context("series", chosen, {"id": "id_series"})
    return render(request, "incidents/partials/series_input.html", context)


def _visible(request: AuthedRequest, pk: int) -> Incident:
    found = Incident.objects.visible_to(request.user).with_times()
    incident = found.select_related("merged_into").filter(pk=pk).first()
    if incident is None:
        raise NotFoundError(f"There is no incident {pk}.")
    return incident


def _initial(incident: Incident) -> dict[str, Any]:
    return {
        "version": incident.version,
        "title": incident.title,
        "service": incident.service.slug,
        "severity": incident.severity.code,
        "kind": incident.kind,
        "summary": incident.summary,
        "series": sorted(incident.series.values_list("pk", flat=True)),
        "is_drill": incident.is_drill,
        "is_holdout": incident.is_holdout,
    }


def _form(request: AuthedRequest, form: IncidentForm, *, status: int = 200, **more: Any) -> HttpResponse:
    return render(
        request, "incidents/form.html", {"form": form, "incident": form.incident, **more}, status=status
    )


def _detail(
    request: AuthedRequest, incident: Incident, *, form: StateForm | None = None, status: int = 200
) -> HttpResponse:
    times = incident.times_by_kind()
    may_write = request.user.has_role(*AUTHORS)
    choices = next_states(incident.state)
    context = {
        "incident": incident,
        "times": [(kind, times[kind]) for kind in TimeKind if kind in times],
        "metrics": list(incident.metrics().values()),
        "graphic": graphic.draw(times),
        "series": series_links(incident),
        "history": history(incident),
        "attempts": list(incident.attempts.select_related("remediation")),
        "next_step": next_step(incident) if may_write else None,
        "may_write": may_write,
        "state_form": form or StateForm(incident=incident, choices=choices),
    }
    return render(request, "incidents/detail.html", context, status=status)
