"""What the panels say of an action or an insight: measured, waiting, or why it cannot be. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from apps.actions.models import State
from apps.audit.models import Outbox, OutboxState

from . import services, wording
from .models import Verdict

if TYPE_CHECKING:
    from apps.actions.models import ActionItem
    from apps.ui.charts import Forest

    from .wording import Shown

NEWEST = 50


@dataclass(frozen=True)
class Panel:
    """`state`: "open", "not_measurable", "pending", "failed" or "measured"; `text` says what it means."""

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
    of_turn = sum(verdict.turn == action.turn for verdict in found)
    key = services.request_key(action, of_turn + 1)
    waiting = Outbox.objects.filter(kind=services.JUDGE_KIND, key=key).values_list("state", flat=True).first()
    if waiting in {OutboxState.PENDING, OutboxState.CLAIMED}:
        return "pending", "A worker is replaying both ways. This takes some seconds."
    if waiting == OutboxState.DEAD:
        return "failed", "The replay failed again and again. An operator finds the reason in the outbox."
    if of_turn:
        return "measured", ""
    reason = services.obstacle(action)
    return ("not_measurable", reason) if reason else ("pending", "A worker will measure it soon.")
