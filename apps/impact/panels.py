"""What the panels say of an action or an insight: measured, waiting, or why it cannot be. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from apps.actions.models import State
from apps.audit.models import OutboxState

from . import services, wording
from .models import Verdict

if TYPE_CHECKING:
    from apps.actions.models import ActionItem
    from apps.ui.charts import Forest

    from .wording import Shown

NEWEST = 50


@dataclass(frozen=True)
class Panel:
    """`text` says what the state means: open, not_measurable, unmeasured, pending, failed or measured."""

    state: str
    text: str
    newest: Shown | None
    earlier: list[Shown]
    picture: Forest | None


def of_action(action: ActionItem) -> Panel:
    """The newest verdict of an action, and what is going on; a fixed number of queries."""
    found = list(Verdict.objects.filter(action=action).with_names().order_by("-pk")[:NEWEST])
    looks = [wording.shown(verdict) for verdict in found]
    state, text = _state(action, found)
    newest, earlier = (looks[0], looks[1:]) if looks else (None, [])
    return Panel(state, text, newest, earlier, wording.picture(found[:1]))


def of_insight(insight_id: int) -> tuple[list[Shown], list[Forest]]:
    """The newest verdict of each action on an insight, and one picture for each metric."""
    newest = Verdict.objects.filter(insight=insight_id).newest().values("pk")
    found = list(Verdict.objects.filter(pk__in=newest).with_names().order_by("metric", "-pk")[:NEWEST])
    pictures = [wording.picture(list(group)) for _, group in groupby(found, key=lambda one: one.metric)]
    return [wording.shown(verdict) for verdict in found], [one for one in pictures if one]


def _state(action: ActionItem, found: list[Verdict]) -> tuple[str, str]:
    if action.state != State.DONE:
        return "open", "It is measured as soon as it is done."
    measured = any(verdict.turn == action.turn for verdict in found)
    last = next(reversed(services.requests_of(action).values()), None)
    if last in services.WAITING:
        return "pending", "A worker is replaying both ways. This takes some seconds."
    if last == OutboxState.DEAD:
        return "failed", "The replay failed again and again. An operator finds the reason in the outbox."
    if measured:
        return "measured", ""
    if reason := services.obstacle(action):
        return "not_measurable", reason
    return "unmeasured", "It could not be measured when it was done, and can be now. Ask for a measurement."
