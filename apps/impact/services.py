"""Use cases: have an action's effect measured, and keep the verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.urls import reverse

from apps.actions.models import ActionItem, State
from apps.audit import ledger, outbox
from apps.common.errors import DomainError, NotFoundError, require
from apps.insights.models import Insight
from apps.notices.services import tell

from . import judging, measuring
from .models import Verdict

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.insights.models import Revision

    from .judging import Judgement
    from .measuring import Measurement

log = structlog.get_logger(__name__)
JUDGE_KIND = "impact.judge_action"
NOTICE_KIND = "impact.verdict"
WORKER = "worker"


@dataclass(frozen=True)
class Look:
    """One measurement that was asked for: of which turn of the action, and the how manieth of it."""

    key: str
    turn: int
    number: int


class NotMeasurableError(DomainError):
    """A replay cannot answer what this action would need."""

    code = "not_measurable"


def judge_action(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler: replay the action's insight and keep one verdict of this request, however often run."""
    action = ActionItem.objects.filter(pk=payload["action"]).first()
    if action is None or Verdict.objects.filter(request=key).exists():
        return
    if reason := obstacle(action):
        log.info("action_not_measurable", action=action.pk, reason=reason)
        return
    insight = Insight.objects.get(pk=require(action.insight_id, "the insight of a measurable action"))
    revision = measuring.subject(insight)
    measured = measuring.measure(insight)
    judged = judging.judge(measured, metric=action.metric, smallest_effect=action.smallest_effect)
    look = Look(key=key, turn=payload["turn"], number=payload.get("look", 1))
    _keep(look=look, action=action, revision=revision, measured=measured, judged=judged)


@transaction.atomic
def measure_again(*, action_id: int, actor: User) -> None:
    """Ask for one more look at an action that is done; twice before the answer is once.

    Each further look at the same data raises the chance of a chance finding, so looks are counted and shown.

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
    look = Verdict.objects.filter(action=action, turn=action.turn).count() + 1
    outbox.add(
        kind=JUDGE_KIND,
        key=request_key(action, look),
        payload={"action": action.pk, "turn": action.turn, "look": look},
    )
    ledger.record(
        actor=actor.username,
        action="measurement_requested",
        object_type="action",
        object_id=action.pk,
        data={"turn": action.turn, "look": look},
    )


def request_key(action: ActionItem, look: int) -> str:
    """The outbox key of one look; the first is asked for by the actions room."""
    first = f"{action.pk}:{action.turn}"
    return first if look == 1 else f"{first}:{look}"


def obstacle(action: ActionItem) -> str:
    """Why no replay can measure this action; empty if one can."""
    if action.insight_id is None:
        return "No insight is linked, so there is no signal that a replay could switch on and off."
    insight = Insight.objects.filter(pk=action.insight_id).first()
    if insight is None:
        return "The insight that it names does not exist."
    return measuring.obstacle(insight)


@transaction.atomic
def _keep(
    *, look: Look, action: ActionItem, revision: Revision, measured: Measurement, judged: Judgement
) -> None:
    # Rivals that measure for the same request wait here; the second finds the verdict of the first.
    held = ActionItem.objects.select_for_update(of=("self",)).select_related("owner").get(pk=action.pk)
    if Verdict.objects.filter(request=look.key).exists():
        return
    insight = revision.insight
    activation = getattr(revision, "activation", None)
    verdict = Verdict.objects.create(
        action=held,
        insight=insight,
        revision=revision.number,
        release=activation.release if activation else None,
        request=look.key,
        turn=look.turn,
        look=look.number,
        split_hash=measured.split_hash,
        seconds=round(measured.seconds, 3),
        report=_report(measured, insight),
        **{name: judging.plain(value) for name, value in asdict(judged).items()},
    )
    _tell(verdict, held, insight)
    ledger.record(
        actor=WORKER,
        action="verdict_recorded",
        object_type="action",
        object_id=held.pk,
        data={"verdict": str(verdict.verdict), "insight": insight.pk, "request": look.key},
    )


def _report(measured: Measurement, insight: Insight) -> dict[str, Any]:
    before, after = measured.false_alarms
    return {
        "series": {one.series_id: one.as_dict() for one in measured.series},
        "without_samples": measured.empty,
        "held_out_days": round(measured.days, 3),
        "longest_days": round(measured.longest_days, 3),
        "served": insight.active_revision is not None,
        "false_alarms": {"before": before, "after": after},
        "episodes": {
            "both": measured.both,
            "only_before": measured.only_before,
            "only_after": measured.only_after,
        },
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
