"""What people know of the calendar: windows to be silent in, and days that are not like others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from . import recurrence, rrules
from .types import DAY_US, SECOND_US, Bools, Ints, Times

if TYPE_CHECKING:
    from collections.abc import Sequence

Expectation: TypeAlias = Literal["scale", "other_day_type"]

MIN_DURATION_S = 60
MAX_DURATION_S = 86_400
MAX_SHARE = 0.5
"""Of any seven days at most this share may be suppressed: a detector that mostly sleeps is none."""
MAX_REASON = 500
MAX_DATES = 366
SCALE_MIN, SCALE_MAX = 0.1, 10.0


@dataclass(frozen=True)
class Suppression:
    """No alarm from each occurrence of `rrule` on, for `duration_s`; hard limits alarm all the same.

    Raises:
        ValueError: the rule, the duration or the share of time that it covers is refused.
    """

    rrule: str
    duration_s: int
    reason: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "rrule", rrules.parse(self.rrule).text)
        if not MIN_DURATION_S <= self.duration_s <= MAX_DURATION_S:
            raise ValueError("duration must be between 1 minute and 24 hours")
        _check_reason(self.reason)
        share = recurrence.busiest_week_share(self._rule, self.duration_s * SECOND_US)
        if share > MAX_SHARE:
            raise ValueError(
                f"rrule and duration would suppress {share:.0%} of a week; at most {MAX_SHARE:.0%} is allowed"
            )

    def mask(self, times: Times) -> Bools:
        """Whether each time lies in a suppressed window. (n,)."""
        return recurrence.mask(self._rule, times, self.duration_s * SECOND_US)

    @property
    def _rule(self) -> recurrence.Rule:
        return rrules.parse(self.rrule)


@dataclass(frozen=True)
class CalendarException:
    """Days, by date (UTC) or by rule (whole days of its zone), on which something else is to be expected.

    `expectation`: "scale", `scale` times what the same slot of other days leads one to expect; or
    "other_day_type", what a weekend leads to expect on a working day, and the other way round.

    Raises:
        ValueError: neither dates nor a rule, both, or a number out of its range.
    """

    dates: tuple[str, ...] = ()
    rrule: str = ""
    expectation: Expectation = "other_day_type"
    scale: float = 1.0

    def __post_init__(self) -> None:
        if bool(self.dates) == bool(self.rrule):
            raise ValueError("dates or rrule must be given, and not both")
        if self.rrule:
            object.__setattr__(self, "rrule", rrules.parse(self.rrule).text)
        else:
            object.__setattr__(self, "dates", _clean_dates(self.dates))
        if not (math.isfinite(self.scale) and SCALE_MIN <= self.scale <= SCALE_MAX):
            raise ValueError(f"scale must be between {SCALE_MIN:g} and {SCALE_MAX:g}")

    @property
    def zone(self) -> str:
        """Whose days these are."""
        return rrules.parse(self.rrule).zone if self.rrule else "UTC"

    def days(self, times: Times) -> Ints:
        """The day (since 1970, in the zone) of each time. (n,)."""
        return np.asarray(recurrence.local(times, self.zone) // DAY_US, dtype=np.int64)

    def mask(self, times: Times) -> Bools:
        """Whether each time lies on an exceptional day. (n,)."""
        if times.size == 0:
            return np.zeros(0, dtype=np.bool_)
        days = self.days(times)
        return np.isin(days, self._exceptional(int(days.min()), int(days.max())))

    def _exceptional(self, first: int, last: int) -> Ints:
        if self.rrule:
            starts = recurrence.occurrences(rrules.parse(self.rrule), first, last)
            return np.unique(starts // DAY_US)
        return np.array(
            [(date.fromisoformat(day) - date(1970, 1, 1)).days for day in self.dates], dtype=np.int64
        )


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        raise ValueError(f"reason must be a text of 1 to {MAX_REASON} characters")


@lru_cache(maxsize=256)
def _clean_dates(dates: Sequence[str]) -> tuple[str, ...]:
    if len(dates) > MAX_DATES:
        raise ValueError(f"dates must be at most {MAX_DATES}")
    for day in dates:
        try:
            found = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
        except (ValueError, TypeError) as error:
            raise ValueError(f"dates must be written as 2026-12-24; {str(day)[:20]!a} is not") from error
        if not rrules.FIRST_YEAR <= found.year <= rrules.LAST_YEAR:
            raise ValueError(f"dates must lie between {rrules.FIRST_YEAR} and {rrules.LAST_YEAR}")
    return tuple(sorted({datetime.strptime(day, "%Y-%m-%d").date().isoformat() for day in dates}))  # noqa: DTZ007
