"""What is asked of an action's fields, with a message for each."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.actions import insights, postmortems
from apps.actions.models import BETTER, MAX_NOTE, MAX_TITLE, Direction, Kind, Metric
from apps.common.errors import InvalidInputError

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User

FURTHEST = timedelta(days=730)
MAX_ID = 2**63 - 1
MAX_RANK = 1000


def title(text: str) -> str:
    """The title without spaces around it.

    Raises:
        InvalidInputError: empty, too long, or not plain text.
    """
    if not text.strip():
        raise InvalidInputError("Say in a few words what is to be done.", field="title")
    return _plain("title", text.strip(), MAX_TITLE)


def note(field: str, text: str, *, needed: bool = False) -> str:
    """A free text that may be empty, unless it is needed.

    Raises:
        InvalidInputError: missing though needed, too long, or not plain text.
    """
    if needed and not text.strip():
        raise InvalidInputError("Say why, in a sentence.", field=field)
    return _plain(field, text.strip(), MAX_NOTE)


def code(field: str, given: str, known: type[Kind | Metric | Direction], *, optional: bool = False) -> str:
    """A code of a list.

    Raises:
        InvalidInputError: not one of them.
    """
    if (optional and not given) or given in known.values:
        return str(given)
    raise InvalidInputError(f"Choose one of: {', '.join(known.values)}.", field=field)


def due(day: date) -> date:
    """A day from today on.

    Raises:
        InvalidInputError: past, or too far to be a plan.
    """
    today = timezone.now().date()
    if day < today:
        raise InvalidInputError(
            "The due date has passed.", field="due_on", remedy="Choose today or a later day."
        )
    if day > today + FURTHEST:
        raise InvalidInputError(
            "The due date is more than two years away.", field="due_on", remedy="Plan a nearer first step."
        )
    return day


def owner(person: User | None) -> User:
    """Somebody who can do it.

    Raises:
        InvalidInputError: nobody, a service account, or a person who has left.
    """
    if person is None:
        raise InvalidInputError("An action needs one owner.", field="owner", remedy="Choose a person.")
    if person.is_service:
        raise InvalidInputError(
            f"{person.username} is a service account.", field="owner", remedy="Choose a person."
        )
    if not person.is_active:
        raise InvalidInputError(
            f"The account of {person.username} is deactivated.", field="owner", remedy="Choose somebody else."
        )
    return person


def number(field: str, value: int | None, largest: int = MAX_ID) -> int | None:
    """A whole number from 1, or nothing.

    Raises:
        InvalidInputError: not in the range.
    """
    if value is not None and not 1 <= value <= largest:
        raise InvalidInputError(f"A whole number from 1 to {largest:,}.", field=field)
    return value


def postmortem(pk: int | None, user: User) -> int | None:
    """A postmortem that the user may read, or none.

    Raises:
        InvalidInputError: there is no such one.
    """
    if number("postmortem_id", pk) is not None and not postmortems.exists(user, pk or 0):
        raise InvalidInputError("There is no such postmortem.", field="postmortem_id")
    return pk


def aim(
    *, insight_id: int | None, metric: str, direction: str, smallest_effect: float | None, user: User
) -> dict[str, Any]:
    """The fields that say how the effect will be measured.

    Raises:
        InvalidInputError: no such insight, a metric without direction or the reverse, a direction in which
            the metric gets worse, or a smallest effect out of range.
    """
    number("insight_id", insight_id)
    if insight_id is not None and not insights.exists(user, insight_id):
        raise InvalidInputError("There is no such insight.", field="insight_id")
    code("metric", metric, Metric, optional=True)
    code("direction", direction, Direction, optional=True)
    if insight_id is not None and not metric:
        raise InvalidInputError("An action on an insight is measured: say by which metric.", field="metric")
    if metric and not direction:
        raise InvalidInputError("Say in which direction the metric should move.", field="direction")
    if direction and not metric:
        raise InvalidInputError("Say which metric should move.", field="metric")
    if metric and direction != BETTER[Metric(metric)]:
        raise InvalidInputError(
            f"{Metric(metric).label} gets better by going {BETTER[Metric(metric)]}.", field="direction"
        )
    return {
        "insight_id": insight_id,
        "metric": metric,
        "direction": direction,
        "smallest_effect": _effect(metric, smallest_effect),
    }


def _effect(metric: str, value: float | None) -> float | None:
    """A share saved or a difference of shares, or of time to detect seconds."""
    if value is None:
        return None
    if not metric:
        raise InvalidInputError("Say which metric this effect is of.", field="metric")
    if not math.isfinite(value) or value <= 0:
        raise InvalidInputError("A number above zero.", field="smallest_effect")
    if metric != Metric.TIME_TO_DETECT and value >= 1:
        raise InvalidInputError("A share below 1: 0.3 means thirty per cent.", field="smallest_effect")
    return value


def _plain(field: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise InvalidInputError(
            f"It has {len(text):,} characters; at most {longest:,} are kept.", field=field
        )
    if "\x00" in text:
        raise InvalidInputError("It has a NUL character.", field=field, remedy="Remove it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInputError("It has half a surrogate pair.", field=field, remedy="Remove it.")
    return text
