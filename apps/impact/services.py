"""Use cases: have an action's effect measured, and keep the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.actions.models import FIELD_METRICS, ActionItem, State
from apps.audit import ledger, outbox
from apps.audit.models import Outbox, OutboxState
from apps.common.errors import DomainError, NotFoundError, require
from apps.features import releases
from apps.insights.models import Insight

from . import keeping, measuring
from .field import planning
from .keeping import JUDGE_KIND
from .models import Verdict

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.insights.models import Revision

    from .results import Measurement

log = structlog.get_logger(__name__)
WAITING = {OutboxState.PENDING, OutboxState.CLAIMED}


class NotMeasurableError(DomainError):
    """A replay cannot answer what this action would need."""

    code = "not_measurable"


def judge_action(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler: measure the action and keep one verdict of this request, however often it is run.

    Nothing for an action that was opened again meanwhile, or was done once more since it was asked for; nor
    for one whose effect only the field can show before its weeks are over, unless somebody asked for a look.
    """
    action = ActionItem.objects.filter(pk=payload["action"]).first()
    if action is None or not _stands(action, payload) or Verdict.objects.filter(request=key).exists():
        return
    if reason := obstacle(action):
        log.info("action_not_measurable", action=action.pk, reason=reason)
        return
    if action.metric in FIELD_METRICS:
        _judge_field(key=key, payload=payload)
        return
    insight = Insight.objects.get(pk=require(action.insight_id, "the insight of a measurable action"))
    revision = require(measuring.subject(insight), "the revision of a measurable insight")
    _judge_replay(key=key, payload=payload, revision=revision, measured=measuring.measure(insight, revision))


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
    if action.metric in FIELD_METRICS and planning.too_early(plan := planning.plan(action)):
        raise NotMeasurableError(
            f"It settles until {plan.windows.after.start:%Y-%m-%d}: no day after it counts yet.",
            remedy=f"It is measured by itself on {plan.complete_at:%Y-%m-%d}.",
        )
    asked = requests_of(action)
    if any(state in WAITING for state in asked.values()):
        return
    number = next_request(action)
    payload = {"action": action.pk, "turn": action.turn, "asked": True}
    outbox.add(kind=JUDGE_KIND, key=f"{action.pk}:{action.turn}:{number}", payload=payload)
    ledger.record(
        actor=actor.username,
        action="measurement_requested",
        object_type="action",
        object_id=action.pk,
        data={"turn": action.turn, "request": number},
    )


def measure_now(*, action: ActionItem, is_first: bool) -> None:
    """Measure here instead of in a worker: a look like any other.

    The first one of a turn answers the request that was written when the action was done, so that a worker
    that comes to it later finds it answered.
    """
    first = f"{action.pk}:{action.turn}"
    judge_action(
        key=first if is_first else f"{first}:{next_request(action)}",
        payload={"action": action.pk, "turn": action.turn, "asked": True},
    )


def next_request(action: ActionItem) -> int:
    """The number that the next request of this turn gets; done requests may have been cleared away."""
    kept = Verdict.objects.filter(action=action, turn=action.turn).count()
    return max(len(requests_of(action)), kept) + 1


def requests_of(action: ActionItem) -> dict[str, str]:
    """State of every request to measure this turn, by its key; the first is of the actions room."""
    first = f"{action.pk}:{action.turn}"
    found = Outbox.objects.filter(Q(key=first) | Q(key__startswith=f"{first}:"), kind=JUDGE_KIND)
    return dict(found.order_by("pk").values_list("key", "state"))


def obstacle(action: ActionItem) -> str:
    """Why nothing can measure this action, by replay or in the field; empty if something can."""
    if action.metric in FIELD_METRICS:
        return planning.obstacle(action)
    if action.insight_id is None:
        return "No insight is linked, so there is no signal that a replay could switch on and off."
    insight = Insight.objects.filter(pk=action.insight_id).first()
    if insight is None:
        return "The insight that it names does not exist."
    return measuring.obstacle(insight)


@transaction.atomic
def _judge_replay(*, key: str, payload: dict[str, Any], revision: Revision, measured: Measurement) -> None:
    releases.lock()  # before any row: a finding may append a release
    # Rivals wait here: for the same request the second finds the verdict of the first, for other actions on
    # the insight it counts that look.
    insight = Insight.objects.select_for_update(of=("self",), no_key=True).get(pk=revision.insight_id)
    held = _held(payload)
    if _stands(held, payload) and not Verdict.objects.filter(request=key).exists():
        keeping.keep_replay(held, insight, revision, measured, request=key)


@transaction.atomic
def _judge_field(*, key: str, payload: dict[str, Any]) -> None:
    releases.lock()
    held, now = _held(payload), timezone.now()
    if not _stands(held, payload) or Verdict.objects.filter(request=key).exists():
        return
    plan = planning.plan(held)
    if planning.too_early(plan, now) or (now < plan.complete_at and not payload.get("asked")):
        log.info("action_waits", action=held.pk, until=plan.complete_at.isoformat())
        return
    whole = Verdict.objects.in_field().filter(action=held, turn=held.turn, report__complete=True)
    if payload.get("asked") or not whole.exists():
        keeping.keep_field(held, request=key, now=now)


def _held(payload: dict[str, Any]) -> ActionItem:
    rows = ActionItem.objects.select_for_update(of=("self",)).select_related("owner", "service")
    return rows.get(pk=payload["action"])
