"""What the panels say of an action or an insight: measured, waiting, or why it cannot be. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from apps.actions.models import FIELD_METRICS, State
from apps.audit.models import OutboxState

from . import reporting, services, wording
from .field import planning
from .models import Verdict

if TYPE_CHECKING:
    from apps.actions.models import ActionItem
    from apps.ui.charts import Forest

    from .field.planning import Plan
    from .wording import Shown

NEWEST = 50


@dataclass(frozen=True)
class Panel:
    """`text` says what the state means: open, not_measurable, unmeasured, waiting, pending, failed or
    measured.
    """

    state: str
    text: str
    newest: Shown | None
    earlier: list[Shown]
    picture: Forest | None


def of_action(action: ActionItem) -> Panel:
    """The newest verdict of an action, and what is going on; a fixed number of queries."""
    found = list(Verdict.objects.filter(action=action).with_names().order_by("-pk")[:NEWEST])
    newest = wording.shown(found[0], reporting.of(found[0])) if found else None
    earlier = [wording.shown(verdict) for verdict in found[1:]]
    state, text = _state(action, found)
    return Panel(state, text, newest, earlier, wording.picture(found[:1]))


def of_insight(insight_id: int) -> tuple[list[Shown], list[Forest]]:
    """The newest verdict of each action on an insight, and one picture for each metric."""
    newest = Verdict.objects.filter(insight=insight_id).newest().values("pk")
    found = list(Verdict.objects.filter(pk__in=newest).with_names().order_by("metric", "-pk")[:NEWEST])
    said = reporting.report()
    pictures = [wording.picture(list(group), said) for _, group in groupby(found, key=lambda one: one.metric)]
    shown = [wording.shown(verdict, said.get(verdict.pk)) for verdict in found]
    return shown, [one for one in pictures if one]


def _state(action: ActionItem, found: list[Verdict]) -> tuple[str, str]:
    if action.state != State.DONE:
        return "open", "It is measured as soon as it is done."
    measured = any(verdict.turn == action.turn for verdict in found)
    last = next(reversed(services.requests_of(action).values()), None)
    if last in services.WAITING:
        return "pending", "A worker is measuring. This takes some seconds."
    if last == OutboxState.DEAD:
        return "failed", "It failed again and again. An operator finds the reason in the outbox."
    if measured:
        return "measured", ""
    if reason := services.obstacle(action):
        return "not_measurable", reason
    return _not_yet(action)


def _not_yet(action: ActionItem) -> tuple[str, str]:
    if action.metric in FIELD_METRICS:
        return "waiting", _waits(planning.plan(action))
    return "unmeasured", "It could not be measured when it was done, and can be now. Ask for a measurement."


def _waits(plan: Plan) -> str:
    after = plan.windows.after
    return (
        f"Waiting until {after.end:%Y-%m-%d}: its effect shows in the field, in the weeks from "
        f"{after.start:%Y-%m-%d} on, when it has settled. It is measured by itself when they are over."
    )
