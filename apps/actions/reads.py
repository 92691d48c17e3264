"""What the list of actions shows: rows in order of urgency, with what was measured of those that are done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from .models import ActionItem
from .wording import due_in_words, urgency

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User

    from .querysets import ActionQuerySet

Outcomes: TypeAlias = Callable[[Collection[int]], dict[int, tuple[str, str]]]
FINISHED_SHOWN = 10
GROUPS = {"overdue": "Overdue", "due_soon": "Due within a week", "later": "Later"}


@dataclass(frozen=True)
class Row:
    """One action in the list; `outcome` is the newest verdict (code, words) if there is one."""

    action: ActionItem
    due: str
    urgency: str
    outcome: tuple[str, str] | None = None


@dataclass(frozen=True)
class Group:
    """Rows of one urgency, in order of their due dates."""

    code: str
    label: str
    rows: list[Row]


def rows(actions: Iterable[ActionItem]) -> list[Row]:
    """Rows with their verdicts; one query for all of them."""
    given = list(actions)
    today = timezone.now().date()
    found = _outcomes([action.pk for action in given if action.done_at])
    return [
        Row(action, due_in_words(action.due_on, today), urgency(action.due_on, today), found.get(action.pk))
        for action in given
    ]


def grouped(given: Iterable[Row]) -> list[Group]:
    """The same rows under the headings of their urgency, those without rows left out."""
    known = list(given)
    groups = [
        Group(code, label, [row for row in known if row.urgency == code]) for code, label in GROUPS.items()
    ]
    return [group for group in groups if group.rows]


def matching(user: User, given: dict[str, Any]) -> ActionQuerySet:
    """The actions that the filter of the list asks for, in whatever state."""
    found = ActionItem.objects.visible_to(user).with_names()
    if given.get("owner"):
        found = found.filter(owner__username=given["owner"])
    elif given.get("who") != "all":
        found = found.filter(owner=user)
    if given.get("service"):
        found = found.filter(service__slug=given["service"])
    return found


def finished(actions: ActionQuerySet) -> list[Row]:
    """The actions that were done last."""
    return rows(actions.filter(done_at__isnull=False).order_by("-done_at")[:FINISHED_SHOWN])


def _outcomes(pks: list[int]) -> dict[int, tuple[str, str]]:
    name = getattr(settings, "ACTION_VERDICTS", "")
    return cast("Outcomes", import_string(name))(pks) if name else {}
