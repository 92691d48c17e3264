"""Panels and pages of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import redirect, render

from apps.accounts.pages import JUDGES, OPERATORS, AuthedRequest, page
from apps.actions.models import ActionItem
from apps.common.errors import NotFoundError
from apps.common.times import iso_us
from apps.insights.models import Insight

from . import panels, reevaluating, reporting, services, wording
from .models import Verdict

if TYPE_CHECKING:
    from django.http import HttpResponse

MEASURERS = JUDGES | OPERATORS


@page()
def action_panel(request: AuthedRequest, pk: int) -> HttpResponse:
    """The verdict of an action: a fragment by htmx, which asks again while a worker is at it; else a page."""
    action = _action(request, pk)
    context = {
        "action": action,
        "panel": panels.of_action(action),
        "prompts": reevaluating.prompts_of(action),
        "may_measure": request.user.has_role(*MEASURERS),
    }
    template = "impact/partials/action_panel.html" if request.htmx else "impact/action.html"
    return render(request, template, context)


@page(get=None, post=MEASURERS)
def measure_again(request: AuthedRequest, pk: int) -> HttpResponse:
    """Ask for one more look."""
    services.measure_again(action_id=pk, actor=request.user)
    messages.success(request, "A worker measures it once more.")
    return redirect("actions:detail", pk=pk)


@page()
def insight_panel(request: AuthedRequest, pk: int) -> HttpResponse:
    """What was measured of an insight: a fragment by htmx, else a page."""
    insight = Insight.objects.visible_to(request.user).filter(pk=pk).first()
    if insight is None:
        raise NotFoundError(f"There is no insight {pk}.")
    verdicts, pictures = panels.of_insight(pk)
    actions = ActionItem.objects.visible_to(request.user).filter(insight_id=pk).with_names().order_by("pk")
    waiting = [action for action in actions if action.pk not in {one.verdict.action_id for one in verdicts}]
    context = {"insight": insight, "verdicts": verdicts, "pictures": pictures, "waiting": waiting}
    template = "impact/partials/insight_panel.html" if request.htmx else "impact/insight.html"
    return render(request, template, context)


@page()
def show_verdict(request: AuthedRequest, pk: int) -> HttpResponse:
    """What is behind a verdict: the replay series by series, or the weeks before and after."""
    verdict = _verdict(request, pk)
    context = {
        "verdict": verdict,
        "shown": wording.shown(verdict, reporting.of(verdict)),
        "picture": wording.picture([verdict]),
    }
    if verdict.evidence == Verdict.Evidence.FIELD:
        return render(request, "impact/field_verdict.html", context)
    series = [(name, _row(row)) for name, row in sorted(verdict.report["series"].items())]
    return render(request, "impact/verdict.html", {**context, "series": series})


@page()
def download_verdict(request: AuthedRequest, pk: int) -> HttpResponse:
    """Everything that is kept of a verdict, as JSON."""
    verdict = _verdict(request, pk)
    answer = JsonResponse(as_json(verdict), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="verdict-{verdict.pk}.json"'
    return answer


def as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict with its report, as plain values."""
    names = (
        *(
            "revision",
            "release",
            "turn",
            "look",
            "metric",
            "method",
            "n",
            "excluded",
            "effect",
            "low",
            "high",
        ),
        *("p", "power", "minimum_detectable_effect", "verdict", "reason", "evidence"),
        *("split_hash", "data_hash", "code", "seconds", "report"),
    )
    return {
        "id": verdict.pk,
        "action": verdict.action_id,
        "insight": verdict.insight_id,
        **{name: getattr(verdict, name) for name in names},
        "evaluated_at": iso_us(verdict.evaluated_at),
    }


def _row(report: dict[str, Any]) -> dict[str, Any]:
    """A series' figures, with the middle delay of the incidents that each way caught."""
    delays = {
        arm: sorted(one["delay_s"][arm] for one in report["incidents"] if one["delay_s"][arm] is not None)
        for arm in ("before", "after")
    }
    middle = {arm: found[len(found) // 2] if found else None for arm, found in delays.items()}
    return {**report, "delay": middle, "n_incidents": len(report["incidents"])}


def _action(request: AuthedRequest, pk: int) -> ActionItem:
    action = ActionItem.objects.visible_to(request.user).with_names().filter(pk=pk).first()
    if action is None:
        raise NotFoundError(f"There is no action {pk}.")
    return action


def _verdict(request: AuthedRequest, pk: int) -> Verdict:
    verdict = Verdict.objects.visible_to(request.user).with_names().filter(pk=pk).first()
    if verdict is None:
        raise NotFoundError(f"There is no verdict {pk}.")
    return verdict
