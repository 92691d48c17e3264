"""The reference detector: how far a sample lies from what its own past leads one to expect.

- **expectation**: level, the median of the last day; daily, the median of the same slot on the last 7 days;
  weekly, of the last 4 weeks; either, the one of these that lies closest.
- **z**: residual / scale, the scale being 1.4826 times the median absolute residual (MAD) of the last week.
- **score**: z under the direction, 0 below the minimum effect; then the k-th largest of the last n samples.
- **alarm**: score >= theta, or a value beyond a hard limit.
- **suppressed window**: its samples score 0 and do not count for persistence; they still teach what to
  expect. A hard limit alarms in it all the same: it is a promise about the value, whatever the hour.
- **exceptional day**: the same slot of other days leads the expectation, scaled or of the other day type,
  whatever the baseline; a level of the last day would be half made of the exception itself.

Nothing looks ahead: a sample is compared with earlier ones alone, and no quantity (cadence, scale, floor) is
estimated from the whole series. NaN and infinite values are gaps: they neither alarm nor count for
persistence. Method: median and MAD after Hampel (1974); 1.4826 makes the MAD consistent for the normal
distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from . import recurrence, windows
from .types import DAY_US, Baseline, Bools, Direction, Floats, Ints, Setting, Telemetry, Times

if TYPE_CHECKING:
    from .calendars import CalendarException

    ViewKey: TypeAlias = tuple[Baseline, CalendarException | None]

LEVEL_SPAN_US = DAY_US
SCALE_SPAN_US = 7 * DAY_US
LEVEL_MIN_SAMPLES = 12
SCALE_MIN_SAMPLES = 28
WARM_UP_SAMPLES = 10
"""Samples without a score at the start of a series: fewer give no scale worth the name."""

DAILY_REPEATS, DAILY_MIN_FOUND = 7, 2
WEEKLY_REPEATS, WEEKLY_MIN_FOUND = 4, 2
OTHER_TYPE_DAYS, OTHER_TYPE_MIN_FOUND = 14, 2
SLOT_TOLERANCE = 0.75
"""How far beside its slot a sample may lie, in mean distances between the samples of its last day."""

LEVEL_FLOOR = 0.01
"""The scale is at least this share of the expected level: on a flat series smaller changes are no finding."""
RANGE_FLOOR = 1e-9
"""… and this share of the largest magnitude so far, so rounding noise around zero is no finding either."""

FAR_KEPT = 2.0
"""From this |z| on, the samples beyond a power of two are remembered: one in twenty or fewer."""

VALUE_MAX = 1e150
"""Values are clipped here, so that no difference or product of two of them overflows."""
SCORE_MAX = 1e9
"""Largest score; what a hard limit gives. Finite, so that it can be sent as JSON."""


@dataclass(frozen=True, eq=False)
class View:
    """One baseline's look at the m observed samples: `expected` and `residual` (NaN without history), `z`."""

    expected: Floats
    residual: Floats
    z: Floats
    _far: dict[float, Ints] = field(default_factory=dict, repr=False)

    def far(self, least: float) -> Ints:
        """Where |z| >= `least`, increasing. Few samples are that far, and only they can raise an alarm."""
        level = 2.0 ** math.floor(math.log2(least))
        if level < FAR_KEPT:
            return np.flatnonzero(np.abs(self.z) >= least).astype(np.int64)
        if level not in self._far:
            self._far[level] = np.flatnonzero(np.abs(self.z) >= level).astype(np.int64)
        near = self._far[level]
        return near[np.abs(self.z[near]) >= least]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A series with all that does not depend on theta. `rows` (m,): rows of `telemetry` with a value."""

    telemetry: Telemetry
    rows: Ints
    times: Times
    values: Floats
    day_start: Ints
    week_start: Ints
    _views: dict[ViewKey, View] = field(default_factory=dict, repr=False)

    def view(self, baseline: Baseline, calendar: CalendarException | None = None) -> View:
        """Computed at first use; those without a calendar are kept, of the others the last."""
        if (baseline, calendar) not in self._views:
            plain = _look(self, _expectation(self, baseline)) if calendar is None else None
            view = plain or _look(self, _exceptional(self, baseline, calendar))
            for key in [key for key in self._views if calendar is not None and key[1] is not None]:
                del self._views[key]
            self._views[baseline, calendar] = view
        return self._views[baseline, calendar]


def prepare(telemetry: Telemetry) -> Prepared:
    """Drop the gaps and find the trailing windows; baselines follow when they are asked for."""
    rows = np.flatnonzero(np.isfinite(telemetry.values)).astype(np.int64)
    times = telemetry.times[rows]
    return Prepared(
        telemetry=telemetry,
        rows=rows,
        times=times,
        values=np.clip(telemetry.values[rows], -VALUE_MAX, VALUE_MAX),
        day_start=windows.trailing_start(times, LEVEL_SPAN_US, LEVEL_MIN_SAMPLES),
        week_start=windows.trailing_start(times, SCALE_SPAN_US, SCALE_MIN_SAMPLES),
    )


def scores(prepared: Prepared, setting: Setting) -> Floats:
    """Score of every row of the series, 0 to `SCORE_MAX`; 0 at gaps and in the warm-up. Shape (n,)."""
    single = effective(
        prepared,
        setting.baseline,
        setting.direction,
        setting.min_rel,
        setting.min_abs,
        calendar=setting.calendar,
    )
    if setting.suppress is not None:
        silent = setting.suppress.mask(prepared.times)
        single[silent] = 0.0
        observed = persistent(single, setting.persist_k, setting.persist_n)
        observed[silent] = 0.0
    else:
        observed = persistent(single, setting.persist_k, setting.persist_n)
    observed[_beyond_limits(prepared.values, setting)] = SCORE_MAX
    result = np.zeros(len(prepared.telemetry))
    result[prepared.rows] = observed
    return result


def alarms(prepared: Prepared, setting: Setting) -> Bools:
    """Whether each row alarms. Shape (n,)."""
    return scores(prepared, setting) >= min(setting.theta, SCORE_MAX)


def alarm_rows(prepared: Prepared, setting: Setting) -> Ints:
    """Rows that alarm, increasing: those where `alarms` says so, without a score for all the others."""
    if setting.suppress is not None:
        return np.flatnonzero(alarms(prepared, setting)).astype(np.int64)
    theta = min(setting.theta, SCORE_MAX)
    view = prepared.view(setting.baseline, setting.calendar)
    far = view.far(theta)
    score = effective_at(view, far, setting.direction, setting.min_rel, setting.min_abs)
    found = reached(far[score >= theta], setting.persist_k, setting.persist_n, prepared.rows.size)
    if setting.hard_lo is not None or setting.hard_hi is not None:
        found = np.union1d(found, np.flatnonzero(_beyond_limits(prepared.values, setting)))
    return prepared.rows[found]


def effective(
    prepared: Prepared,
    baseline: Baseline,
    direction: Direction,
    min_rel: float,
    min_abs: float,
    *,
    calendar: CalendarException | None = None,
) -> Floats:
    """Scores before persistence: z under the direction, 0 below the minimum effect. Shape (m,)."""
    return effective_at(prepared.view(baseline, calendar), slice(None), direction, min_rel, min_abs)


def effective_at(
    view: View, rows: Ints | slice, direction: Direction, min_rel: float, min_abs: float
) -> Floats:
    """`effective` at some of the observed samples alone."""
    z = view.z[rows]
    score = {"up": z, "down": -z, "both": np.abs(z)}[direction]
    least = np.maximum(min_rel * np.abs(view.expected[rows]), min_abs)
    return np.where(np.abs(view.residual[rows]) >= least, np.maximum(score, 0.0), 0.0)


def persistent(score: Floats, k: int, n: int) -> Floats:
    """The k-th largest of the last `n` scores: reaches theta just when k of the last n samples do. (m,)."""
    if n == 1 or score.size == 0:
        return score.copy()
    spans = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(n - 1), score]), n)
    result = np.empty(score.size)
    for first in range(0, score.size, windows.CHUNK_ROWS):
        chunk = spans[first : first + windows.CHUNK_ROWS]
        result[first : first + windows.CHUNK_ROWS] = np.partition(chunk, n - k, axis=1)[:, n - k]
    return result


def reached(rows: Ints, k: int, n: int, size: int) -> Ints:
    """Of `size` samples, those with `k` of the given, increasing `rows` among the last `n`; increasing.

    A sample that counts k of them counts them from the k-th on until the first of those k is n samples ago:
    a span for every k neighbours among the rows.
    """
    if n == 1:
        return rows
    first, last = rows[k - 1 :], np.minimum(rows[: max(rows.size - k + 1, 0)] + n, size)
    # Where spans overlap, the later begins where the earlier ended; most are empty, their rows too far apart.
    first = np.maximum(first, np.concatenate([[0], last[:-1]])[: first.size])
    lengths = np.maximum(last - first, 0)
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.asarray(np.repeat(first, lengths) + within, dtype=np.int64)


def strongest(rows: Ints, score: Floats, k: int, n: int, size: int) -> tuple[Ints, Floats]:
    """The samples of `reached`, and at each the k-th largest score of the `rows` among its last `n`."""
    if n == 1:
        return rows, score
    found = reached(rows, k, n, size)
    low = np.searchsorted(rows, found - n, side="right")
    number = np.searchsorted(rows, found, side="right") - low
    column = np.arange(n)
    spans = np.zeros((found.size, n))
    inside = column < number[:, None]
    spans[inside] = score[(low[:, None] + column)[inside]]
    return found, np.partition(spans, n - k, axis=1)[:, n - k] if found.size else np.zeros(0)


def _beyond_limits(values: Floats, setting: Setting) -> Bools:
    beyond = np.zeros(values.shape, dtype=np.bool_)
    if setting.hard_lo is not None:
        beyond |= values < setting.hard_lo
    if setting.hard_hi is not None:
        beyond |= values > setting.hard_hi
    return beyond


def _expectation(prepared: Prepared, baseline: Baseline) -> Floats:
    """What the baseline expects; where history lacks, a seasonal one falls back to the next shorter. (m,)."""
    if baseline == "level":
        return windows.trailing_median(prepared.values, prepared.day_start)
    if baseline == "daily":
        return _filled(_seasonal(prepared, DAY_US, DAILY_REPEATS, DAILY_MIN_FOUND), prepared.view("level"))
    if baseline == "weekly":
        return _filled(
            _seasonal(prepared, 7 * DAY_US, WEEKLY_REPEATS, WEEKLY_MIN_FOUND), prepared.view("daily")
        )
    return _closest(prepared)


def _seasonal(prepared: Prepared, period_us: int, repeats: int, min_found: int) -> Floats:
    return windows.same_slot_median(
        prepared.times,
        prepared.values,
        period_us=period_us,
        repeats=repeats,
        min_found=min_found,
        tolerance_us=SLOT_TOLERANCE * _spacing(prepared),
    )


def _spacing(prepared: Prepared) -> Floats:
    """Mean distance between the samples of the last day of each sample. Microseconds. (m,)."""
    own = np.arange(prepared.times.size, dtype=np.int64)
    elapsed = prepared.times - prepared.times[prepared.day_start]
    return np.asarray(elapsed / np.maximum(own - prepared.day_start, 1), dtype=np.float64)


def _filled(expected: Floats, fallback: View) -> Floats:
    return np.where(np.isnan(expected), fallback.expected, expected)


def _closest(prepared: Prepared) -> Floats:
    expected = prepared.view("level").expected
    distance = np.abs(prepared.view("level").residual)
    for view in (prepared.view("daily"), prepared.view("weekly")):
        closer = np.abs(view.residual) < distance
        expected = np.where(closer, view.expected, expected)
        distance = np.where(closer, np.abs(view.residual), distance)
    return expected


def _exceptional(prepared: Prepared, baseline: Baseline, calendar: CalendarException | None) -> Floats:
    """The baseline's expectation, on exceptional days that of the calendar. (m,)."""
    expected = prepared.view(baseline).expected
    if calendar is None:
        return expected
    usual = prepared.view("weekly" if baseline == "weekly" else "daily")
    instead = calendar.scale * usual.expected
    if calendar.expectation == "other_day_type":
        instead = _filled(_other_day_type(prepared, calendar), usual)
    return np.where(calendar.mask(prepared.times), instead, expected)


def _other_day_type(prepared: Prepared, calendar: CalendarException) -> Floats:
    """Median of the same slot on those of the last 14 days that are of the other type. (m,)."""
    own = recurrence.weekend(calendar.days(prepared.times))

    def other(wanted: Times) -> Bools:
        return np.asarray(recurrence.weekend(calendar.days(wanted)) != own, dtype=np.bool_)

    return windows.same_slot_median(
        prepared.times,
        prepared.values,
        period_us=DAY_US,
        repeats=OTHER_TYPE_DAYS,
        min_found=OTHER_TYPE_MIN_FOUND,
        tolerance_us=SLOT_TOLERANCE * _spacing(prepared),
        allowed=other,
    )


def _look(prepared: Prepared, expected: Floats) -> View:
    residual = prepared.values - expected
    scale = windows.trailing_scale(residual, prepared.week_start)
    largest = np.maximum.accumulate(np.abs(prepared.values)) if prepared.values.size else prepared.values
    floor = np.maximum(LEVEL_FLOOR * np.abs(expected), RANGE_FLOOR * largest)
    scale = np.fmax(scale, floor)
    # A flat zero so far: any change is out of all proportion, and the cap makes it a number.
    quotient = np.divide(residual, scale, out=np.sign(residual) * SCORE_MAX, where=scale > 0)
    z = np.clip(np.nan_to_num(quotient, nan=0.0), -SCORE_MAX, SCORE_MAX)
    z[:WARM_UP_SAMPLES] = 0.0
    return View(expected, residual, z)
