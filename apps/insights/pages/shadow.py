"""The life of an insight, and its shadow runs: what is tried, how it goes, what it found; start and stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.accounts.models import AUTHORS
from apps.accounts.pages import AuthedRequest, page
from apps.catalog import windows
from apps.catalog import wording as catalog_wording
from apps.common.errors import DomainError, ForbiddenError, NotFoundError
from apps.insights import composition, life, services, shadow_wording, shadowing
from apps.insights.models import GateResult, Insight, ShadowRun
from apps.insights.services.shadowing import refuse_start
from apps.ui.forms import add_domain_error

from .shadow_forms import StartForm, StopForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.forms import Form
    from django.http import HttpResponse

    from apps.insights.models import Revision

START, STOP = "start", "stop"


@page()
def life_cycle(request: AuthedRequest, pk: int) -> HttpResponse:
    """The five steps; a fragment of the card by htmx, else a page of its own."""
    insight = _find(request, pk)
    context = {"insight": insight, "steps": life.steps(insight)}
    fragment = "insights/shadow/partials/life_cycle.html"
    return render(request, fragment if request.htmx else "insights/shadow/life_cycle.html", context)


@page()
def show_shadow(request: AuthedRequest, pk: int) -> HttpResponse:
    """All shadow runs of an insight, newest first, and what its reader may do."""
    return _show(request, _find(request, pk))


@page(get=None, post=AUTHORS)
def start_shadow(request: AuthedRequest, pk: int) -> HttpResponse:
    """Register a run and begin it."""
    insight = _find(request, pk)
    form = StartForm(request.POST, needs_override=_needs_override(_newest(insight)))

    def run() -> str:
        data = form.cleaned_data
        found = services.start_shadow(insight_id=pk, actor=request.user, seen=data.pop("revision"), **data)
        return f"Registered and frozen. It counts from {found.starts_at:%Y-%m-%d %H:%M} UTC."

    return _answered(request, insight, START, form, run)


@page(get=None, post=AUTHORS)
def stop_shadow(request: AuthedRequest, pk: int) -> HttpResponse:
    """Stop the run before its planned end."""
    form = StopForm(request.POST)

    def run() -> str:
        services.stop_shadow(insight_id=pk, actor=request.user, reason=form.cleaned_data["reason"])
        return "Stopped. What it read is kept, without a verdict."

    return _answered(request, _find(request, pk), STOP, form, run)


def _answered(
    request: AuthedRequest, insight: Insight, name: str, form: Form, run: Callable[[], str]
) -> HttpResponse:
    try:
        if not form.is_valid():
            return _show(request, insight, bound={name: form})
        done = run()
    except (NotFoundError, ForbiddenError):
        raise
    except DomainError as error:
        if error.field not in form.fields:
            messages.error(request, f"{error.detail} {error.remedy or ''}".strip())
            return redirect("insights:shadow", insight.pk)
        add_domain_error(form, error)
        return _show(request, insight, bound={name: form})
    messages.success(request, done)
    return redirect("insights:shadow", insight.pk)


def _show(request: AuthedRequest, insight: Insight, bound: dict[str, Form] | None = None) -> HttpResponse:
    newest = _newest(insight)
    why_not = _refusal(insight, newest, request)
    running = next((run for run in newest.shadow_runs.all() if run.open), None)
    forms: dict[str, Any] = {
        START: StartForm(initial={"revision": insight.revision}, needs_override=_needs_override(newest)),
        STOP: StopForm(),
        **(bound or {}),
    }
    wrong = next(iter(bound.values())) if bound else None
    context = {
        "insight": insight,
        "revision": newest,
        "steps": life.steps(insight),
        "runs": shadow_wording.runs(insight),
        "running": running,
        "paused": _paused(running),
        "why_not": why_not,
        "may_stop": running is not None and not _refused_to_judge(newest, request),
        "forms": forms,
        "wrong": wrong,
    }
    return render(request, "insights/shadow/shadow.html", context, status=422 if wrong else 200)


def _find(request: AuthedRequest, pk: int) -> Insight:
    stories = Insight.objects.visible_to(request.user).with_story()
    insight = stories.prefetch_related("revisions__shadow_runs__started_by").filter(pk=pk).first()
    if insight is None:
        raise NotFoundError(f"There is no insight {pk}.", field="id")
    return insight


def _newest(insight: Insight) -> Revision:
    return next(revision for revision in insight.revisions.all() if revision.number == insight.revision)


def _needs_override(revision: Revision) -> bool:
    result = composition.deciding_result(revision)
    passed = result is not None and result.verdict == GateResult.Verdict.PASSED
    return not passed and not revision.overrides.all()


def _refusal(insight: Insight, revision: Revision, request: AuthedRequest) -> str:
    try:
        refuse_start(insight, revision, request.user)
    except DomainError as error:
        return f"{error.detail} {error.remedy or ''}".strip()
    return ""


def _refused_to_judge(revision: Revision, request: AuthedRequest) -> bool:
    try:
        services.check_judge(insight_id=revision.insight_id, person=request.user)
    except DomainError:
        return True
    return False


def _paused(run: ShadowRun | None) -> str:
    """The protected window that holds a run up now, in words; empty while it is free."""
    if run is None:
        return ""
    now = timezone.now()
    window = shadowing.paused_by(run.revision, now)
    if window is None:
        return ""
    free = windows.next_free(windows.of(shadowing.services_of(run.revision)), now)
    until = f"until {free:%Y-%m-%d %H:%M} UTC" if free else "for longer than a year"
    return f"{catalog_wording.protects(window)} is protected {until}: {window.reason}"
