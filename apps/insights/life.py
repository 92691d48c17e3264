"""The life of an insight in five steps, with times and people: proposed to ended. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.audit.models import AuditRecord

from . import composition
from .models import GateResult, Insight, ShadowRun

if TYPE_CHECKING:
    from datetime import datetime

    from .models import Revision

ENDINGS = {"insight_withdrawn": "Withdrawn", "insight_expired": "Expired"}


@dataclass(frozen=True)
class Step:
    """One station. `state`: "done", "current", "skipped" or "ahead"; `tone` colours its dot."""

    name: str
    state: str
    label: str
    tone: str
    at: datetime | None = None
    who: str = ""
    text: str = ""


def steps(insight: Insight) -> list[Step]:
    """The five steps of what is served, else of the newest revision; a fixed number of queries.

    Wants an insight with its story (`with_story`) and its shadow runs.
    """
    revisions = {revision.number: revision for revision in insight.revisions.all()}
    revision = revisions[insight.active_revision or insight.revision]
    return [
        _proposed(revision),
        _gate(revision),
        _shadow(revision),
        _active(revision),
        _ended(insight, revision),
    ]


def _proposed(revision: Revision) -> Step:
    name = "Proposed" if revision.number == 1 else f"Revision {revision.number}"
    return Step("proposed", "done", name, "good", revision.created_at, revision.author.name, revision.title)


def _gate(revision: Revision) -> Step:
    result = composition.deciding_result(revision)
    if result is None:
        return Step("gate", "ahead", "Gate: has not run", "neutral")
    overrides = list(revision.overrides.all())
    passed = result.verdict == GateResult.Verdict.PASSED
    if overrides and not passed:
        words = f"Let through by {overrides[-1].author.name}: {overrides[-1].reason}"
        return Step("gate", "done", f"Gate: {result.verdict}", "warn", result.evaluated_at, "", words)
    state, tone = ("done", "good") if passed else ("current", result.verdict)
    return Step("gate", state, f"Gate: {result.verdict}", tone, result.evaluated_at, "", result.reason)


def _shadow(revision: Revision) -> Step:
    runs = list(revision.shadow_runs.all())
    if not runs:
        return Step("shadow", "skipped", "Shadow: not tried", "neutral", text="It is optional.")
    run = runs[0]
    if run.open:
        words = f"Until {run.ends_at:%Y-%m-%d %H:%M} UTC: {run.hypothesis}"
        return Step(
            "shadow", "current", "Shadow: going on", "info", run.starts_at, run.started_by.name, words
        )
    if run.ending == ShadowRun.Ending.FINISHED:
        label = f"Shadow: {run.get_outcome_display().lower()}"
        return Step(
            "shadow", "done", label, run.outcome, run.ended_at, run.started_by.name, run.outcome_reason
        )
    label = f"Shadow: {run.get_ending_display().lower()}"
    return Step("shadow", "done", label, "neutral", run.ended_at, run.ended_by, run.ending_reason)


def _active(revision: Revision) -> Step:
    activation = getattr(revision, "activation", None)
    if activation is None:
        return Step("active", "ahead", "Active: not yet", "neutral", text="Two people approve it first.")
    people = ", ".join(approval.approver.name for approval in revision.approvals.all())
    state = "current" if revision.insight.active_revision == revision.number else "done"
    words = f"Served since release {activation.release}."
    return Step("active", state, "Active", "good", activation.activated_at, people, words)


def _ended(insight: Insight, revision: Revision) -> Step:
    if insight.active_revision is not None:
        words = "The prospective test watches it daily and withdraws it if it does harm."
        if revision.expires_at is not None:
            return Step("ended", "ahead", "Expires", "neutral", revision.expires_at, "", words)
        return Step("ended", "ahead", "Withdrawn or expired: not yet", "neutral", None, "", words)
    line = (
        AuditRecord.objects.filter(object_type="insight", object_id=str(insight.pk), action__in=list(ENDINGS))
        .order_by("-id")
        .first()
    )
    if insight.state not in (Insight.State.WITHDRAWN, Insight.State.EXPIRED):
        return Step("ended", "ahead", "Withdrawn or expired: not yet", "neutral")
    if line is None or line.at < revision.created_at:
        return Step("ended", "current", insight.get_state_display(), "bad", text="A revert took it back.")
    said = line.content()
    release = f"Release {said['release']} serves it no more." if said.get("release") else ""
    words = f"{said.get('reason', '')} {release}".strip()
    return Step("ended", "current", ENDINGS[line.action], "bad", line.at, line.actor, words)
