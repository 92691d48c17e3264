"""Trailing windows over irregular series: the past samples that a sample may be compared with.

Every window ends before the sample it serves, and nothing here is estimated from the whole series (not even
the cadence), so cutting off the future changes no earlier result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from .types import Bools, Floats, Ints, Times

MAX_POINTS = 288
"""Samples that one median looks at, a day of 5-minute data; a fuller window is read at evenly spread ones."""

MEDIAN_TO_SD = 1.4826
MEAN_TO_SD = 1.2533

CHUNK_ROWS = 4096
"""Rows of one work matrix; with `MAX_POINTS` columns of 8 bytes it stays below 10 MB."""


def trailing_start(times: Times, span_us: int, min_samples: int) -> Ints:
    """First index of the window [t - span, t) of each sample, widened to the last `min_samples` samples.

    Widening is what makes one rule fit every cadence: a day holds one sample of a daily series.
    """
    index = np.arange(times.size, dtype=np.int64)
    by_time = np.searchsorted(times, times - span_us, side="left").astype(np.int64)
    return np.minimum(by_time, np.maximum(index - min_samples, 0))


def trailing_median(values: Floats, start: Ints) -> Floats:
    """Median of `values[start[i]:i]` for each i without NaN values; NaN where nothing is left. (n,)."""
    return _by_window(values, start, _median_rows)


def trailing_scale(residuals: Floats, start: Ints) -> Floats:
    """Robust standard deviation of `residuals[start[i]:i]` around 0; NaN where nothing is left. (n,).

    1.4826 times the median absolute residual. That is 0 for a series that mostly stands still, and then
    every blip would be infinitely surprising: there 1.2533 times the mean absolute residual takes its
    place. Both estimate the standard deviation of a normal distribution. Source: Iglewicz and Hoaglin
    (1993).
    """
    return _by_window(np.abs(residuals), start, _scale_rows)


def _by_window(values: Floats, start: Ints, summary: Callable[[Floats], Floats]) -> Floats:
    anchors, inverse = np.unique(_anchors(start), return_inverse=True)
    result = np.full(anchors.size, np.nan)
    for first in range(0, anchors.size, CHUNK_ROWS):
        ends = anchors[first : first + CHUNK_ROWS]
        result[first : first + CHUNK_ROWS] = summary(_window_values(values, start[ends], ends))
    return result[inverse]


def _anchors(start: Ints) -> Ints:
    """The sample whose window serves each sample: itself, or an earlier one where windows are crowded.

    A window of k times `MAX_POINTS` samples hardly changes within k samples, so k neighbours share one: 288
    medians for a day of seconds instead of 86,400.
    """
    own = np.arange(start.size, dtype=np.int64)
    crowd = np.maximum((own - start) // MAX_POINTS, 1)
    return np.asarray(own - own % crowd, dtype=np.int64)


def _window_values(values: Floats, start: Ints, end: Ints) -> Floats:
    """Matrix (rows, points) of the windows [start, end), NaN beyond a window's count."""
    count = end - start
    points = int(min(max(int(count.max(initial=0)), 1), MAX_POINTS))
    column = np.arange(points, dtype=np.int64)
    picked: Floats = values[np.minimum(start[:, None] + column, values.size - 1)]
    picked[column >= count[:, None]] = np.nan
    crowded = np.flatnonzero(count > points)
    spread = (2 * column + 1) * count[crowded, None] // (2 * points)
    picked[crowded] = values[start[crowded, None] + spread]
    return picked


def _median_rows(matrix: Floats) -> Floats:
    """Median of each row without its NaN (numpy sorts them to the end); NaN for a row of nothing else."""
    matrix.sort(axis=1)
    count = matrix.shape[1] - np.isnan(matrix).sum(axis=1)
    row = np.arange(matrix.shape[0])
    low = matrix[row, np.maximum(count - 1, 0) // 2]
    high = matrix[row, np.minimum(count // 2, matrix.shape[1] - 1)]
    # Halved before they are added: the sum of two huge values would overflow.
    return np.where(count > 0, low / 2 + high / 2, np.nan)


def _scale_rows(matrix: Floats) -> Floats:
    scale = MEDIAN_TO_SD * _median_rows(matrix)
    still = np.flatnonzero(scale == 0)
    if still.size:
        rows = matrix[still]
        count = rows.shape[1] - np.isnan(rows).sum(axis=1)
        # A running sum adds in one order whatever the width of the matrix; numpy's pairwise sum would let the
        # width, and with it the future, reach the last digit.
        summed = np.cumsum(np.nan_to_num(rows), axis=1)[:, -1]
        scale[still] = MEAN_TO_SD * summed / count
    return scale


def same_slot_median(
    times: Times,
    values: Floats,
    *,
    period_us: int,
    repeats: int,
    min_found: int,
    tolerance_us: Floats,
    allowed: Callable[[Times], Bools] | None = None,
) -> Floats:
    """Median of the values one to `repeats` periods ago, each the nearest sample within the tolerance. (n,).

    NaN where fewer than `min_found` of them exist. `tolerance_us` (n,) is how far beside the slot a sample
    may lie. `allowed` says of the times one period ago (and two, …) which may be looked at at all.
    """
    found = np.full((times.size, repeats), np.nan)
    own = np.arange(times.size, dtype=np.int64)
    for repeat in range(1, repeats + 1):
        wanted = times - repeat * period_us
        nearest, distance = _nearest(times, wanted)
        usable: Bools = (distance <= tolerance_us) & (nearest < own)
        if allowed is not None:
            usable &= allowed(wanted)
        found[usable, repeat - 1] = values[nearest[usable]]
    enough = (~np.isnan(found)).sum(axis=1) >= min_found
    return np.where(enough, _median_rows(found), np.nan)


def _nearest(times: Times, wanted: Times) -> tuple[Ints, Times]:
    """Index of the sample nearest to each wanted time, the earlier of two, and its distance. Microseconds."""
    after = np.minimum(np.searchsorted(times, wanted, side="left").astype(np.int64), times.size - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times[before] - wanted) <= np.abs(times[after] - wanted), before, after)
    return nearest, np.abs(times[nearest] - wanted)
