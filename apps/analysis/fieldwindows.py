"""Which stretches of time a field comparison sets against each other.

Actions are opened after bad weeks, and after bad weeks come ordinary ones, whatever is done: regression to
the mean (F. Galton, 1886). What led to the action is therefore left out: from four weeks before the incident
that triggered it until the action was done, and then until it has settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LOOK_BACK_DAYS = 28
"""Days before the trigger that are left out with it."""


@dataclass(frozen=True)
class Span:
    """From `start`, included, to `end`, left out; both aware."""

    start: datetime
    end: datetime

    @property
    def days(self) -> float:
        return (self.end - self.start) / timedelta(days=1)

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def until(self, now: datetime) -> Span:
        """The part of it that has passed."""
        return Span(self.start, max(self.start, min(self.end, now)))


@dataclass(frozen=True)
class FieldWindows:
    """Two stretches of equal length and what lies between them, which counts for neither."""

    before: Span
    after: Span

    @property
    def left_out(self) -> Span:
        return Span(self.before.end, self.after.start)


def of(trigger_at: datetime, done_at: datetime, settle_days: int, window_days: int) -> FieldWindows:
    """Before and after of an action: `window_days` each.

    `trigger_at` is the start of the incident that led to the action, or the moment the action was opened
    where there is none.

    Raises:
        ValueError: naive times, a done action older than its trigger, or a length out of range.
    """
    for name, moment in (("trigger_at", trigger_at), ("done_at", done_at)):
        if moment.tzinfo is None:
            raise ValueError(f"{name} must have a time zone")
    if done_at < trigger_at:
        raise ValueError("done_at must not lie before trigger_at")
    if settle_days < 0:
        raise ValueError("settle_days must not be negative")
    if window_days < 1:
        raise ValueError("window_days must be at least 1")
    length = timedelta(days=window_days)
    last = trigger_at - timedelta(days=LOOK_BACK_DAYS)
    first = done_at + timedelta(days=settle_days)
    return FieldWindows(before=Span(last - length, last), after=Span(first, first + length))
