"""The newest verdict on an action for the command line: kept, or measured here and now."""

from __future__ import annotations

from django.utils import timezone

from apps.actions.models import FIELD_METRICS, ActionItem, State
from apps.common.errors import NotFoundError

from . import services
from .field import planning
from .models import Verdict
from .services import NotMeasurableError


def verdict_on(action_id: int, *, again: bool = False) -> Verdict:
    """The newest verdict on what was done; measured now if there is none, or if `again` asks for a look.

    Raises:
        NotFoundError: no such action.
        NotMeasurableError: it is not done, has no criterion, cannot be measured, or settles still.
    """
    action = ActionItem.objects.select_related("service").filter(pk=action_id).first()
    if action is None:
        raise NotFoundError(f"There is no action {action_id}.", field="id")
    if action.state != State.DONE:
        raise NotMeasurableError(
            f"Action {action_id} is {action.get_state_display().lower()}: it is measured once it is done."
        )
    newest = _newest(action)
    if newest is not None and not again:
        return newest
    _refuse(action, again=again)
    services.measure_now(action=action, is_first=newest is None)
    measured = _newest(action)
    if measured is None or measured == newest:
        raise NotMeasurableError(
            f"Action {action_id} was opened again while it was measured.", remedy="Ask again."
        )
    return measured


def _newest(action: ActionItem) -> Verdict | None:
    found = Verdict.objects.with_names().filter(action=action, turn=action.turn)
    return found.order_by("-pk").first()


def _refuse(action: ActionItem, *, again: bool) -> None:
    if not action.metric:
        raise NotMeasurableError(
            f"Action {action.pk} has no criterion: nobody said beforehand by which metric it would be judged."
        )
    if reason := services.obstacle(action):
        raise NotMeasurableError(reason)
    if action.metric in FIELD_METRICS:
        _wait(planning.plan(action), again=again)


def _wait(plan: planning.Plan, *, again: bool) -> None:
    now = timezone.now()
    if planning.too_early(plan, now):
        raise NotMeasurableError(
            f"It settles until {plan.windows.after.start:%Y-%m-%d}, and is measured by itself on "
            f"{plan.complete_at:%Y-%m-%d}."
        )
    if now < plan.complete_at and not again:
        raise NotMeasurableError(
            f"It waits until {plan.complete_at:%Y-%m-%d}, when its weeks are over, and is measured then.",
            remedy="--again takes an early look, which is counted.",
        )
