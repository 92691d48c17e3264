"""Use cases: have an action's effect measured, and keep the verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from apps.actions.models import FIELD_METRICS, ActionItem, State
from apps.audit import ledger, outbox
from apps.audit.models import Outbox, OutboxState
from apps.common.errors import DomainError, NotFoundError, require
from apps.insights.models import Insight
from apps.notices.services import tell

from . import judging, measuring
from .models import Verdict

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.insights.models import Revision

    from .results import Measurement

log = structlog.get_logger(__name__)
JUDGE_KIND = "impact.judge_action"
NOTICE_KIND = "impact.verdict"
WORKER = "worker"
WAITING = {OutboxState.PENDING, OutboxState.CLAIMED}


class NotMeasurableError(DomainError):
    """A replay cannot answer what this action would need."""

    code = "not_measurable"


def judge_action(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler: replay the action's insight and keep one verdict of this request, however often run.

    Nothing for an action that was opened again meanwhile, or was done once more since it was asked for.
    """
    action = ActionItem.objects.filter(pk=payload["action"]).first()
    if action is None or not _stands(action, payload) or Verdict.objects.filter(request=key).exists():
        return
    if reason := obstacle(action):
        log.info("action_not_measurable", action=action.pk, reason=reason)
        return
    insight = Insight.objects.get(pk=require(action.insight_id, "the insight of a measurable action"))
    revision = require(measuring.subject(insight), "the revision of a measurable insight")
    _keep(key=key, payload=payload, revision=revision, measured=measuring.measure(insight, revision))


def _stands(action: ActionItem, payload: dict[str, Any]) -> bool:
    return action.state == State.DONE and action.turn == payload["turn"]


@transaction.atomic
def measure_again(*, action_id: int, actor: User) -> None:
    """Ask for one more look at an action that is done; twice before the answer is once.

    Each further look at the same data raises the chance of a chance finding: looks are counted, and p is
    multiplied by their number.

    Raises:
        NotFoundError: no such action.
        NotMeasurableError: it is not done, or a replay cannot measure it.
    """
    action = ActionItem.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=action_id).first()
    if action is None:
        raise NotFoundError(f"There is no action {action_id}.", field="id")
    if action.state != State.DONE:
        raise NotMeasurableError("An action is measured once it is done.")
    if reason := obstacle(action):
        raise NotMeasurableError(reason)
    asked = requests_of(action)
    if any(state in WAITING for state in asked.values()):
        return
    kept = Verdict.objects.filter(action=action, turn=action.turn).count()
    number = max(len(asked), kept) + 1  # done requests may have been cleared away
    payload = {"action": action.pk, "turn": action.turn}
    outbox.add(kind=JUDGE_KIND, key=f"{action.pk}:{action.turn}:{number}", payload=payload)
    ledger.record(
        actor=actor.username,
        action="measurement_requested",
        object_type="action",
        object_id=action.pk,
        data={"turn": action.turn, "request": number},
    )


def requests_of(action: ActionItem) -> dict[str, str]:
    """State of every request to measure this turn, by its key; the first is of the actions room."""
    first = f"{action.pk}:{action.turn}"
    found = Outbox.objects.filter(Q(key=first) | Q(key__startswith=f"{first}:"), kind=JUDGE_KIND)
    return dict(found.order_by("pk").values_list("key", "state"))


def obstacle(action: ActionItem) -> str:
    """Why no replay can measure this action; empty if one can."""
    if action.metric in FIELD_METRICS:
        return "Its metric is seen in the field, and no replay can show it."
    if action.insight_id is None:
        return "No insight is linked, so there is no signal that a replay could switch on and off."
    insight = Insight.objects.filter(pk=action.insight_id).first()
    if insight is None:
        return "The insight that it names does not exist."
    return measuring.obstacle(insight)


@transaction.atomic
def _keep(*, key: str, payload: dict[str, Any], revision: Revision, measured: Measurement) -> None:
    # Rivals wait here: for the same request the second finds the verdict of the first, for other actions on
    # the insight it counts that look.
    insight = Insight.objects.select_for_update(of=("self",), no_key=True).get(pk=revision.insight_id)
    held = (
        ActionItem.objects.select_for_update(of=("self",)).select_related("owner").get(pk=payload["action"])
    )
    if not _stands(held, payload) or Verdict.objects.filter(request=key).exists():
        return
    look = Verdict.objects.filter(insight=insight, metric=held.metric).count() + 1
    judged = judging.judge(measured, metric=held.metric, smallest_effect=held.smallest_effect, looks=look)
    verdict = Verdict.objects.create(
        action=held,
        insight=insight,
        revision=revision.number,
        release=revision.activation.release,
        request=key,
        turn=payload["turn"],
        look=look,
        split_hash=measured.split_hash,
        seconds=round(measured.seconds, 3),
        report=_report(measured, served=insight.active_revision == revision.number),
        **{name: judging.plain(value) for name, value in asdict(judged).items()},
    )
    _tell(verdict, held, insight)
    ledger.record(
        actor=WORKER,
        action="verdict_recorded",
        object_type="action",
        object_id=held.pk,
        data={"verdict": str(verdict.verdict), "insight": insight.pk, "request": key, "look": look},
    )


def _report(measured: Measurement, *, served: bool) -> dict[str, Any]:
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


def _tell(verdict: Verdict, action: ActionItem, insight: Insight) -> None:
    tell(
        people={action.owner, insight.author},
        kind=NOTICE_KIND,
        title=f"{verdict.get_verdict_display()}: {action.title}",
        text=f"{verdict.reason}.",
        url=reverse("actions:detail", args=[action.pk]),
        key=f"{NOTICE_KIND}:{verdict.request}",
    )
