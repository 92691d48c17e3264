"""Input as services take it: each refusal names its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from apps.catalog.models import Term
from apps.common.errors import InvalidInputError
from apps.common.times import iso_us
from apps.telemetry.models import Series

from .codes import Precision, TimeKind, TimeStatus
from .metrics import LABELS, TimeValue
from .models import MAX_NOTE, MAX_SOURCE, MAX_SUMMARY, MAX_TITLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.db.models import TextChoices

    from .models import Incident

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(minutes=5)
MAX_SERIES = 500
LONGEST = {"title": MAX_TITLE, "summary": MAX_SUMMARY, "note": MAX_NOTE}
ORDER = (
    (TimeKind.IMPACT_START, TimeKind.MITIGATED),
    (TimeKind.IMPACT_START, TimeKind.RESOLVED),
    (TimeKind.DETECTED, TimeKind.RESOLVED),
)
"""Pairs of which the second may not come first. Detection before impact is an early alarm, and welcome."""


def text(field: str, value: str, *, required: bool = False, longest: int | None = None) -> str:
    """The text without surrounding space.

    Raises:
        InvalidInputError: empty though required, too long, a NUL or half a surrogate pair.
    """
    longest = longest or LONGEST[field]
    clean = value.strip()
    what = field.rpartition(".")[2]
    if required and not clean:
        raise InvalidInputError(f"The {what} is empty.", field=field, remedy="Write at least a word.")
    if len(clean) > longest:
        raise InvalidInputError(
            f"The {what} has {len(clean):,} characters; at most {longest:,} are kept.", field=field
        )
    if "\x00" in clean or any("\ud800" <= character <= "\udfff" for character in clean):
        raise InvalidInputError(
            f"The {what} has a character that cannot be stored.", field=field, remedy="Remove it."
        )
    return clean


def code(field: str, value: str, choices: type[TextChoices]) -> str:
    """One of the codes of `choices`.

    Raises:
        InvalidInputError: it is none.
    """
    if value not in choices.values:
        raise InvalidInputError(
            f"{value[:60]!a} is not known.", field=field, remedy=f"One of {', '.join(choices.values)}."
        )
    return value


def severity(value: str, *, kept: Term | None = None) -> Term:
    """The term of this code; a retired one only where it stood before (`kept`).

    Raises:
        InvalidInputError: no such severity.
    """
    if kept is not None and kept.code == value:
        return kept
    known = {
        term.code: term
        for term in Term.objects.filter(vocabulary="severity", retired=False).order_by("position")
    }
    if value not in known:
        raise InvalidInputError(
            f"{value[:60]!a} is no severity.", field="severity", remedy=f"One of {', '.join(known)}."
        )
    return known[value]


def series(ids: Iterable[str]) -> list[Series]:
    """The series of these ids, sorted and once each.

    Raises:
        InvalidInputError: one that we do not have, or too many.
    """
    wanted = sorted(set(ids))
    if len(wanted) > MAX_SERIES:
        raise InvalidInputError(f"At most {MAX_SERIES} series can be named.", field="series")
    storable = [each for each in wanted if "\x00" not in each and each.isprintable()]
    known = {row.pk: row for row in Series.objects.filter(pk__in=storable)}
    missing = [each for each in wanted if each not in known]
    if missing:
        raise InvalidInputError(
            f"There is no series {missing[0][:200]!a}.",
            field="series",
            remedy="Import it first, or mend its name; it reads service/metric.",
        )
    return [known[each] for each in wanted]


def times(given: Mapping[str, TimeValue], *, now: datetime) -> dict[str, TimeValue]:
    """The times, each checked by itself (see `in_order` for the whole).

    Raises:
        InvalidInputError: at `times.<kind>.<part>`.
    """
    return {kind: _time(kind, value, now=now) for kind, value in given.items()}


def _time(kind: str, value: TimeValue, *, now: datetime) -> TimeValue:
    code(f"times.{kind}"[:80], kind, TimeKind)
    place = f"times.{kind}"
    status = code(f"{place}.status", value.status, TimeStatus)
    precision = code(f"{place}.precision", value.precision, Precision)
    source = text(f"{place}.source", value.source, longest=MAX_SOURCE)
    if status != TimeStatus.RECORDED:
        if value.at is not None:
            raise InvalidInputError(
                f"{LABELS[kind].capitalize()} has a time and is said to be {status.replace('_', ' ')}.",
                field=f"{place}.at",
                remedy="Say that it is recorded, or take the time away.",
            )
        return TimeValue(status, None, source, precision)
    if value.at is None:
        raise InvalidInputError(
            f"{LABELS[kind].capitalize()} is said to be recorded, and its time is missing.",
            field=f"{place}.at",
            remedy="Give the time, or say that it is not known yet.",
        )
    return TimeValue(status, _moment(place, kind, value.at, now=now), source, precision)


def _moment(place: str, kind: str, at: datetime, *, now: datetime) -> datetime:
    if at.tzinfo is None:
        raise InvalidInputError(
            "The time names no zone.", field=f"{place}.at", remedy="End it with Z for UTC."
        )
    if at > now + CLOCK_SKEW:
        raise InvalidInputError(
            f"{LABELS[kind].capitalize()} lies in the future.",
            field=f"{place}.at",
            remedy=f"Times are UTC; it is {now:%Y-%m-%d %H:%M} now.",
        )
    if at < EARLIEST:
        raise InvalidInputError(
            f"{LABELS[kind].capitalize()} lies before 1970.", field=f"{place}.at", remedy="Check the year."
        )
    return at.astimezone(UTC)


def in_order(whole: Mapping[str, TimeValue]) -> None:
    """Refuse what ends before it began; the database does so too (`TIMES_IN_ORDER`).

    Raises:
        InvalidInputError: at the later kind's `at`.
    """
    for first, later in ORDER:
        start, end = whole.get(first), whole.get(later)
        if start is not None and end is not None and start.at and end.at and end.at < start.at:
            raise InvalidInputError(
                f"{LABELS[later].capitalize()} comes before {LABELS[first]}, "
                f"{start.at:%Y-%m-%d %H:%M:%S} UTC.",
                field=f"times.{later}.at",
                remedy="Correct the one or the other.",
            )


def time_json(value: TimeValue) -> dict[str, Any]:
    """A time as the history keeps it."""
    return {
        "status": value.status,
        "at": None if value.at is None else iso_us(value.at),
        "source": value.source,
        "precision": value.precision,
    }


def snapshot(incident: Incident) -> dict[str, Any]:
    """Everything that an editor can change, as plain values by field; times as `times.<kind>`."""
    return {
        "title": incident.title,
        "service": incident.service.slug,
        "severity": incident.severity.code,
        "kind": incident.kind,
        "summary": incident.summary,
        "is_drill": incident.is_drill,
        "is_holdout": incident.is_holdout,
        "series": sorted(incident.series.values_list("pk", flat=True)),
        **{f"times.{kind}": time_json(incident.time(kind)) for kind in TimeKind.values},
    }
