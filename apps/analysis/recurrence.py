"""Recurring moments, expanded in arrays and in bounded time, whatever the rule says.

Rules are read off the wall clock of their zone: an hour that summer time repeats belongs to the rule both
times, one that it skips never comes. `rrules` makes rules from text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from .types import DAY_US, SECOND_US, Bools, Ints, Times

Freq: TypeAlias = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
DAYS_OF_CYCLE = 28 * 365 + 7
"""After 28 years the weekdays fall on the same dates again: what did not happen by then never does."""


@dataclass(frozen=True)
class Rule:
    """One recurrence. `text` is its canonical form; times are microseconds of the zone's wall clock.

    `by_day`: (ordinal within the month, or 0 for every one; weekday from Monday 0). `starts`: time of day of
    each occurrence. `anchor`: DTSTART, None where there is none. `until`: last moment at which one starts.
    """

    text: str
    freq: Freq
    zone: str
    starts: tuple[int, ...]
    anchor: int | None
    interval: int = 1
    count: int | None = None
    until: int | None = None
    week_start: int = 0
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()


def mask(rule: Rule, times: Times, duration_us: int) -> Bools:
    """Whether each time lies in [start, start + duration) of an occurrence. Durations up to a day. (n,)."""
    if times.size == 0:
        return np.zeros(0, dtype=np.bool_)
    clock = local(times, rule.zone)
    starts = occurrences(rule, int(clock.min()) // DAY_US - 1, int(clock.max()) // DAY_US)
    if starts.size == 0:
        return np.zeros(times.shape, dtype=np.bool_)
    latest = np.searchsorted(starts, clock, side="right") - 1
    return (latest >= 0) & (clock - starts[np.maximum(latest, 0)] < duration_us)


def occurrences(rule: Rule, first_day: int, last_day: int) -> Times:
    """Wall-clock starts on the days [first, last] since 1970, in order. (m,)."""
    begin = first_day
    if rule.anchor is not None:
        own = rule.anchor // DAY_US
        begin = own if rule.count is not None else max(first_day, own)
    days = np.arange(begin, last_day + 1, dtype=np.int64)
    days = days[_days(rule, days)]
    starts = (days[:, None] * DAY_US + np.array(rule.starts, dtype=np.int64)).ravel()
    if rule.anchor is not None:
        starts = starts[starts >= rule.anchor]
    if rule.count is not None:
        starts = starts[: rule.count]
    if rule.until is not None:
        starts = starts[starts <= rule.until]
    return starts[starts >= first_day * DAY_US]


def busiest_week_share(rule: Rule, duration_us: int) -> float:
    """Largest share of any seven days that the occurrences cover, looked for over a whole 28-year cycle."""
    starts = cycle(rule)
    if starts.size == 0:
        return 0.0
    reach = np.minimum(np.diff(starts, append=starts[-1] + 7 * DAY_US), duration_us)
    covered = np.concatenate([[0], np.cumsum(reach)])
    ends = np.searchsorted(starts, starts + 7 * DAY_US, side="left")
    return float((covered[ends] - covered[:-1]).max() / (7 * DAY_US))


def local(times: Times, zone: str) -> Times:
    """The zone's wall clock at each moment (UTC), as microseconds since 1970. (n,)."""
    if zone == "UTC" or times.size == 0:
        return times
    begins, offsets = _offsets(zone, int(times.min()) // DAY_US, int(times.max()) // DAY_US + 1)
    return np.asarray(times + offsets[np.searchsorted(begins, times, side="right") - 1], dtype=np.int64)


def weekend(days: Ints) -> Bools:
    """Whether each day since 1970 is a Saturday or a Sunday. (n,)."""
    return np.asarray((days + EPOCH_WEEKDAY) % 7 >= WEEKDAYS.index("SA"), dtype=np.bool_)


def cycle(rule: Rule) -> Times:
    """All starts of one cycle: from DTSTART on, or from 2000 where there is none."""
    first = rule.anchor // DAY_US if rule.anchor is not None else 10_957
    return occurrences(rule, first, first + DAYS_OF_CYCLE)


def _days(rule: Rule, days: Ints) -> Bools:
    """Which days (since 1970) carry occurrences, COUNT and UNTIL aside."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64)
    of_month = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    length = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    fits = _in_step(rule, days, month)
    if rule.by_month:
        fits &= np.isin(month % 12 + 1, rule.by_month)
    if rule.by_month_day:
        fits &= np.isin(of_month, rule.by_month_day) | np.isin(of_month - length - 1, rule.by_month_day)
    if rule.by_day:
        weekday = (days + EPOCH_WEEKDAY) % 7
        named = np.zeros(days.shape, dtype=np.bool_)
        for ordinal, wanted in rule.by_day:
            place = (of_month - 1) // 7 + 1 if ordinal > 0 else -((length - of_month) // 7 + 1)
            named |= (weekday == wanted) & ((place == ordinal) if ordinal else True)
        fits &= named
    return fits


def _in_step(rule: Rule, days: Ints, month: Ints) -> Bools:
    """Whether the day's period is a multiple of INTERVAL away from that of DTSTART."""
    if rule.interval == 1:
        return np.ones(days.shape, dtype=np.bool_)
    shift = EPOCH_WEEKDAY - rule.week_start
    own = np.array([(rule.anchor or 0) // DAY_US], dtype=np.int64)
    own_month = own.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    steps = {
        "DAILY": days - own,
        "WEEKLY": (days + shift) // 7 - (own + shift) // 7,
        "MONTHLY": month - own_month,
        "YEARLY": month // 12 - own_month // 12,
    }
    return np.asarray(steps[rule.freq] % rule.interval == 0, dtype=np.bool_)


@lru_cache(maxsize=64)
def _offsets(zone: str, first_day: int, last_day: int) -> tuple[Times, Times]:
    """When each offset from UTC begins, and the offset; to the second. Microseconds."""
    clock = ZoneInfo(zone)

    def offset(second: int) -> int:
        there = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).astimezone(clock)
        return (there.utcoffset() or timedelta()) // timedelta(microseconds=1)

    begins, found = [first_day * 86_400], [offset(first_day * 86_400)]
    for day in range(first_day, last_day):
        low, high = day * 86_400, (day + 1) * 86_400
        if offset(high) == found[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == found[-1] else (low, middle)
        begins.append(high)
        found.append(offset(high))
    return np.array(begins, dtype=np.int64) * SECOND_US, np.array(found, dtype=np.int64)
