"""The pages that show insights: the list, the card, its evidence, and what cites a postmortem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, listing, page
from apps.insights import cards, evidence, influence, rubric, wording
from apps.insights.models import Insight, Revision
from apps.postmortems.models import Postmortem

from . import review_charts
from .review_forms import ApproveForm, FilterForm, ReasonForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.forms import Form
    from django.http import HttpResponse

APPROVE, CHANGES, REJECT, REOPEN, WITHDRAW = "approve", "changes", "reject", "reopen", "withdraw"
LIFT = "lift"


@page()
def list_insights(request: AuthedRequest) -> HttpResponse:
    """All insights, newest first, narrowed by the form above them."""
    form = FilterForm(request.GET)
    insights = Insight.objects.visible_to(request.user).with_newest()
    if form.is_valid():
        insights = insights.matching(**form.cleaned_data)
    found = listing(request, insights if form.is_valid() else insights.none(), "-id")
    rows = [(insight, insight.newest_rows[0], *_row(insight.newest_rows[0])) for insight in found.items]
    context = {"rows": rows, "next_url": found.next_url, "form": form, "filtered": any(form.data.values())}
    return render(request, "insights/list.html", context, status=200 if form.is_valid() else 422)


@page()
def show_insight(request: AuthedRequest, pk: int) -> HttpResponse:
    """The evidence card of one insight."""
    return show_card(request, pk)


@page()
def show_evidence(request: AuthedRequest, pk: int) -> HttpResponse:
    """Before and after on its series; a fragment of the card by htmx, else a page of its own."""
    insight, revision = evidence.newest(pk, reader=request.user)
    if request.GET.get("served") and insight.active_revision:
        revision = evidence.of_number(insight, insight.active_revision)
    served = evidence.was_served(revision)
    found = evidence.evidence(revision, served=served)
    context = {
        "insight": insight,
        "revision": revision,
        "evidence": found,
        "shown": [review_charts.shown(one, served=served) for one in found.comparisons],
    }
    template = "insights/review/partials/evidence.html" if request.htmx else "insights/review/evidence.html"
    return render(request, template, context)


@page()
def show_of_postmortem(request: AuthedRequest, pk: int) -> HttpResponse:
    """The insights that cite a postmortem; a fragment of its page by htmx, else a page of its own."""
    visible = Postmortem.objects.visible_to(request.user).filter(pk=pk).first()
    context = {
        "postmortem": visible,
        "postmortem_id": pk,
        "revisions": cards.citing(pk, reader=request.user) if visible else [],
    }
    fragment = "insights/review/partials/of_postmortem.html"
    template = fragment if request.htmx else "insights/review/of_postmortem.html"
    return render(request, template, context, status=200 if visible else 404)


def show_card(
    request: AuthedRequest,
    pk: int,
    *,
    bound: Mapping[str, Form] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The card with its forms; `bound` are those that were sent and have errors."""
    insight = cards.find(pk, reader=request.user)
    found = cards.card(insight)
    rights = cards.rights(found, request.user)
    forms = {**_forms(found, rights), **(bound or {})}
    context = {
        "card": found,
        "rights": rights,
        "forms": forms,
        "wrong": next(iter(bound.values())) if bound else None,
        "opened": next(iter(bound)) if bound else "",
        "bar": rubric.BAR,
        "bound": influence.BOUND,
        "pooled": rubric.pooled(),
    }
    return render(request, "insights/detail.html", context, status=status)


def reason_form(name: str, data: Mapping[str, object] | None = None, **more: Any) -> ReasonForm:
    """One of the forms that ask for a reason; its controls have ids of their own."""
    return ReasonForm(data, auto_id=f"id_{name}_%s", **more)


def _forms(found: cards.Card, rights: cards.Rights) -> dict[str, Form]:
    seen = {"revision": found.insight.revision}
    forms: dict[str, Form] = {
        name: reason_form(name, initial=seen) for name in (CHANGES, REJECT, REOPEN, WITHDRAW, LIFT)
    }
    forms[APPROVE] = ApproveForm(
        initial=seen,
        needs_override=rights.needs_override,
        missteps=[row.pk for row in found.missteps],
        auto_id=f"id_{APPROVE}_%s",
    )
    return forms


def _row(revision: Revision) -> tuple[str, str]:
    """Scope and signals of a row, in words."""
    signals = ", ".join(row.get_kind_display().lower() for row in revision.signals.all())
    return wording.scope(revision.scope), signals or "prose"
