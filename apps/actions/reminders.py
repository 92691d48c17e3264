"""Who is reminded of what: owners around the day, the programme's owners of what is late or orphaned."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.notices.services import tell

from .completion import escalation_days
from .models import ActionItem
from .wording import due_in_words

if TYPE_CHECKING:
    from django.db.models import QuerySet

DUE_KIND = "actions.due"
ORPHAN_KIND = "actions.needs_owner"
LATE_KIND = "actions.long_overdue"
STEP = timedelta(days=3)
CATCH_UP = timedelta(days=7)
KINDS = {
    DUE_KIND: "An action of mine is due",
    ORPHAN_KIND: "An action needs a new owner",
    LATE_KIND: "An action is long overdue",
    "actions.needs_reason": "An issue of mine was closed without a reason",
}


def remind(today: date | None = None) -> int:
    """Tell owners whose actions are due in three days, due, or late by three; one notice a step.

    A step that was missed while no worker ran is caught up, the last one for a week. Returns how many actions
    were looked at. Safe to run as often as one likes.
    """
    day = today or timezone.now().date()
    near = ActionItem.objects.to_do().filter(due_on__lte=day + STEP, due_on__gte=day - STEP - CATCH_UP)
    due = list(near.select_related("owner"))
    for action in due:
        _remind(action, day)
    late = _late(day)
    for action in late:
        _escalate(action, day)
    orphans = _orphans()
    for action in orphans:
        _orphaned(action)
    return len(due) + len(late) + len(orphans)


def owner_left(*, person_id: int) -> None:
    """Tell who opened the actions of somebody whose account was closed, and the programme's owners."""
    for action in _orphans().filter(owner=person_id):
        _orphaned(action)


def step_of(due_on: date, today: date) -> str:
    """The newest step that has been reached: "T-3", "T" or "T+3"."""
    if today >= due_on + STEP:
        return "T+3"
    return "T" if today >= due_on else "T-3"


def _orphans() -> QuerySet[ActionItem]:
    return ActionItem.objects.to_do().filter(owner__is_active=False).select_related("owner", "created_by")


@transaction.atomic
def _remind(action: ActionItem, today: date) -> None:
    tell(
        people=[action.owner],
        kind=DUE_KIND,
        title=f"{due_in_words(action.due_on, today)}: {action.title}",
        text="Say that it is done, move the date, or hand it over.",
        url=reverse("actions:detail", args=[action.pk]),
        key=f"{DUE_KIND}:{action.pk}:{action.due_on}:{step_of(action.due_on, today)}",
    )


def _late(day: date) -> list[ActionItem]:
    """To do, and overdue by as many days as the tier of the service allows, or for a week beyond."""
    allowed = escalation_days()
    usual = allowed[""]
    found = ActionItem.objects.overdue(day).select_related("owner", "service__tier")
    near = found.filter(due_on__lte=day - timedelta(days=min(allowed.values())))

    def days(action: ActionItem) -> int:
        tier = action.service.tier if action.service else None
        return allowed.get(tier.code if tier else "", usual)

    return [
        action
        for action in near.filter(due_on__gte=day - timedelta(days=max(allowed.values())) - CATCH_UP)
        if action.due_on <= day - timedelta(days=days(action))
    ]


@transaction.atomic
def _escalate(action: ActionItem, today: date) -> None:
    tell(
        people=set(User.objects.filter(is_active=True, role_grants__role=Role.PROGRAMME_OWNER)),
        kind=LATE_KIND,
        title=f"{due_in_words(action.due_on, today)}: {action.title}",
        text=f"{action.owner.name} owns it. Ask what stands in the way, or hand it over.",
        url=reverse("actions:detail", args=[action.pk]),
        key=f"{LATE_KIND}:{action.pk}:{action.due_on}",
    )


@transaction.atomic
def _orphaned(action: ActionItem) -> None:
    owners = User.objects.filter(is_active=True, role_grants__role=Role.PROGRAMME_OWNER)
    tell(
        people={action.created_by, *owners},
        kind=ORPHAN_KIND,
        title=f"Needs a new owner: {action.title}",
        text=f"The account of {action.owner.name} is closed. Reassign the action.",
        url=reverse("actions:detail", args=[action.pk]),
        key=f"{ORPHAN_KIND}:{action.pk}:{action.owner_id}",
    )
