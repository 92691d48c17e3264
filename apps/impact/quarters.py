"""Quarters of the calendar, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

MONTHS = 3


@dataclass(frozen=True, order=True)
class Quarter:
    """`start` is its first day; `end` the first day after it."""

    start: date

    @property
    def end(self) -> date:
        return _later(self.start, MONTHS)

    @property
    def start_at(self) -> datetime:
        return moment(self.start)

    @property
    def end_at(self) -> datetime:
        return moment(self.end)

    @property
    def name(self) -> str:
        return f"{self.start.year} Q{(self.start.month - 1) // MONTHS + 1}"

    def before(self) -> Quarter:
        return Quarter(_later(self.start, -MONTHS))


def of(day: date) -> Quarter:
    """The quarter that a day lies in."""
    return Quarter(date(day.year, (day.month - 1) // MONTHS * MONTHS + 1, 1))


def before(day: date) -> Quarter:
    """The last quarter that was over on that day."""
    return of(day).before()


def between(first: date, last: date) -> list[Quarter]:
    """Every quarter that a day of [first, last] lies in, in order."""
    found = [of(first)]
    while found[-1].end <= last:
        found.append(Quarter(found[-1].end))
    return found


def moment(day: date) -> datetime:
    """Midnight at its beginning, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _later(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)
