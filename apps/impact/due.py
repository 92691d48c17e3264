"""Field measurements whose weeks are over. Called by a task; asks through the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from apps.audit import outbox

from .field import planning
from .keeping import JUDGE_KIND
from .models import Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.actions.models import ActionItem


def unmeasured() -> QuerySet[ActionItem]:
    """Done actions that wait for a verdict on all their weeks."""
    complete = Verdict.objects.in_field().filter(
        action=OuterRef("pk"), turn=OuterRef("turn"), metric=OuterRef("metric"), report__complete=True
    )
    return planning.waiting().exclude(Exists(complete)).order_by(F("done_at").asc(), "pk")


@transaction.atomic
def ask(now: datetime | None = None) -> int:
    """Ask for the measurement of every action whose weeks are over; how many. Safe to run twice."""
    moment = now or timezone.now()
    asked = 0
    for action in unmeasured():
        if moment < planning.complete_at(action) or planning.obstacle(action):
            continue
        payload = {"action": action.pk, "turn": action.turn}
        outbox.add(kind=JUDGE_KIND, key=f"{action.pk}:{action.turn}:due", payload=payload)
        asked += 1
    return asked
