"""What every verdict leaves behind: its row, the finding on its insight, notices, a line of the ledger.

Called inside the transaction of a service that holds the release lock, the insight (of a replay) and the
action.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from apps.audit import ledger, outbox
from apps.common.code import code_id
from apps.insights.models import Insight
from apps.insights.services import note_finding
from apps.notices.services import tell

from . import judging, reporting
from .field import comparing
from .field import judging as field_judging
from .models import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from apps.actions.models import ActionItem
    from apps.insights.models import Revision

    from .judging import Judgement
    from .reporting import Adjusted
    from .results import Measurement

JUDGE_KIND = "impact.judge_action"
NOTICE_KIND = "impact.verdict"
VERIFIED_KIND = "impact.verified"
WORKER = "worker"


def keep_replay(
    action: ActionItem, insight: Insight, revision: Revision, measured: Measurement, *, request: str
) -> Verdict:
    """Judge a replay and keep it. Looks count over all actions on the insight by the metric."""
    look = Verdict.objects.filter(insight=insight, metric=action.metric).count() + 1
    judged = judging.judge(measured, metric=action.metric, smallest_effect=action.smallest_effect, looks=look)
    verdict = Verdict.objects.create(
        action=action,
        insight=insight,
        evidence=Verdict.Evidence.REPLAY,
        revision=revision.number,
        release=revision.activation.release,
        request=request,
        turn=action.turn,
        look=look,
        split_hash=measured.split_hash,
        data_hash=measured.data_hash,
        code=code_id(),
        seconds=round(measured.seconds, 3),
        report=_replayed(measured, served=insight.active_revision == revision.number),
        **_columns(judged),
    )
    _pass_on(verdict, action, insight)
    return verdict


def keep_field(action: ActionItem, *, request: str, now: datetime) -> Verdict:
    """Compare the weeks around an action as of `now`, judge and keep it. Looks count by action."""
    look = Verdict.objects.in_field().filter(action=action, metric=action.metric).count() + 1
    measured = comparing.measure(action, now=now, looks=look)
    judged = field_judging.judge(measured, metric=action.metric, looks=look)
    verdict = Verdict.objects.create(
        action=action,
        insight_id=action.insight_id,
        evidence=Verdict.Evidence.FIELD,
        request=request,
        turn=action.turn,
        look=look,
        split_hash=measured.split_hash,
        data_hash=measured.data_hash,
        code=code_id(),
        seconds=round(measured.seconds, 3),
        report=measured.report(),
        **_columns(judged),
    )
    insight = Insight.objects.get(pk=action.insight_id) if action.insight_id else None
    _pass_on(verdict, action, insight)
    return verdict


def _columns(judged: Judgement) -> dict[str, Any]:
    return {name: judging.plain(value) for name, value in asdict(judged).items()}


def _pass_on(verdict: Verdict, action: ActionItem, insight: Insight | None) -> None:
    """To the insight's confidence, to people, to the ledger. What is said is adjusted over the report."""
    adjusted = reporting.of(verdict)
    if insight is not None:
        note_finding(
            insight,
            source="verdict",
            reference=f"verdict {verdict.pk}",
            outcome=adjusted.verdict,
            effect=verdict.effect,
            low=verdict.low,
            high=verdict.high,
            p=adjusted.p,
            n=verdict.n,
            method=verdict.method,
            split_hash=verdict.split_hash,
        )
    _tell(verdict, action, insight, adjusted)
    said = f"{adjusted.label}. {verdict.reason}."  # for the issue that the action is linked to
    outbox.add(kind="actions.comment", key=verdict.request, payload={"action": action.pk, "text": said})
    ledger.record(
        actor=WORKER,
        action="verdict_recorded",
        object_type="action",
        object_id=action.pk,
        data={
            "verdict": str(verdict.verdict),
            "adjusted": adjusted.verdict,
            "evidence": str(verdict.evidence),
            "insight": verdict.insight_id,
            "request": verdict.request,
            "look": verdict.look,
        },
    )


def _replayed(measured: Measurement, *, served: bool) -> dict[str, Any]:
    before, after = measured.false_alarms
    return {
        "series": {one.series_id: one.as_dict() for one in measured.series},
        "without_samples": measured.empty,
        "held_out_days": round(measured.days, 3),
        "longest_days": round(measured.longest_days, 3),
        "served": served,
        "false_alarms": {"before": before, "after": after},
        "service_days": [asdict(block) for block in measured.blocks],
        "incidents": {
            "held_out": len(measured.incidents),
            "gained": measured.gained,
            "lost": measured.lost,
        },
        "excluded": measured.excluded,
    }


def _tell(verdict: Verdict, action: ActionItem, insight: Insight | None, adjusted: Adjusted) -> None:
    author = {insight.author} if insight is not None else {action.created_by}
    tell(
        people={action.owner} | author,
        kind=NOTICE_KIND,
        title=f"{adjusted.label}: {action.title}",
        text=f"{verdict.reason}.",
        url=reverse("actions:detail", args=[action.pk]),
        key=f"{NOTICE_KIND}:{verdict.request}",
    )
    if adjusted.verdict == Verdict.Outcome.IMPROVED and insight is not None:
        tell(
            people=author,
            kind=VERIFIED_KIND,
            title=f"Verified effect of your lesson: {action.title}",
            text=f"What you wrote helped, by more than chance explains. {verdict.reason}.",
            url=reverse("dashboards:contributions"),
            key=f"{VERIFIED_KIND}:{verdict.request}",
        )
