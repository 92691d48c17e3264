"""Trailing windows over irregular series: the past samples that a sample may be compared with.

Every window ends before the sample it serves, and nothing here is estimated from the whole series (not even
the cadence), so cutting off the future changes no earlier result.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .types import Bools, Floats, Ints, Times

MAX_POINTS = 288
"""Samples that one median looks at, a day of 5-minute data; a fuller window is read at evenly spread ones."""

MEDIAN_TO_SD = 1.4826
MEAN_TO_SD = 1.2533

CHUNK_ROWS = 512
"""Rows of one work matrix; with `MAX_POINTS` columns of 8 bytes it stays in a processor's cache."""

SLIDING_SHARE = 1 / 16
"""Windows of one length that slide: from this share of the samples on, following them beats sorting each."""


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
    """`summary` of the window of each sample: followed where windows slide evenly, else sorted one by one.

    Both ways give the same numbers: a median is one or two of the samples, however it was found.
    """
    ends, inverse = _distinct(_anchors(start))
    result = np.full(ends.size, np.nan)
    by_matrix = np.ones(ends.size, dtype=np.bool_)
    for rows, median in _sliding_medians(values, start[ends], ends):
        found = median if summary is _median_rows else MEDIAN_TO_SD * median
        # A scale of 0 asks for another estimate, which needs the whole window.
        settled = rows if summary is _median_rows else rows[found != 0]
        result[rows] = found
        by_matrix[settled] = False
    left = np.flatnonzero(by_matrix)
    for first in range(0, left.size, CHUNK_ROWS):
        rows = left[first : first + CHUNK_ROWS]
        result[rows] = summary(_window_values(values, start[ends[rows]], ends[rows]))
    return result[inverse]


def _distinct(anchors: Ints) -> tuple[Ints, Ints]:
    """The anchors, each once and increasing, and the place of each sample's anchor among them."""
    used = np.zeros(anchors.size, dtype=np.bool_)
    used[anchors] = True
    return np.flatnonzero(used).astype(np.int64), (np.cumsum(used) - 1)[anchors]


def _sliding_medians(values: Floats, start: Ints, end: Ints) -> Iterator[tuple[Ints, Floats]]:
    """Medians of those windows [start, end) that are of one length, gapless and many: (places, medians).

    A regular series has windows of one length, and every k-th sample of them, read at anchors that lie k
    apart, is again a window sliding over every k-th sample. An ordered window that follows the samples costs
    log(length) a step (scipy's `rank_filter`), sorting each window anew its length.
    """
    gaps = np.concatenate([[0], np.cumsum(np.isnan(values))])
    count = end - start
    whole = np.flatnonzero((gaps[end] == gaps[start]) & (count > 0))
    lengths, numbers = np.unique(count[whole], return_counts=True)
    filled = np.nan_to_num(values) if gaps[-1] else values
    for length, number in zip(lengths.tolist(), numbers.tolist(), strict=True):
        step = max(length // MAX_POINTS, 1)
        even = length <= MAX_POINTS or length == step * MAX_POINTS
        if even and number >= max(SLIDING_SHARE * values.size / step, 2):
            # An anchor that others share may lie between two steps where the cadence changes.
            places = whole[(count[whole] == length) & (start[whole] % step == 0)]
            if places.size:
                yield places, _follow(filled[step // 2 :: step], start[places] // step, length // step)


def _follow(values: Floats, start: Ints, length: int) -> Floats:
    """Median of `values[s : s + length]` for each of the increasing `start`."""
    first, last = int(start[0]), int(start[-1])
    span = values[first : last + length]
    middle = start - first + length // 2
    low: Floats = ndimage.rank_filter(span, (length - 1) // 2, size=length)[middle]
    high = low if length % 2 else ndimage.rank_filter(span, length // 2, size=length)[middle]
    return low / 2 + high / 2  # as in `_median_rows`


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
    crowded = count > points
    if crowded.all():
        spread = (2 * column + 1) * count[:, None] // (2 * points)
        evenly: Floats = values[start[:, None] + spread]
        return evenly
    picked: Floats = values[np.minimum(start[:, None] + column, values.size - 1)]
    picked[column >= count[:, None]] = np.nan
    spread = (2 * column + 1) * count[crowded, None] // (2 * points)
    picked[crowded] = values[start[crowded, None] + spread]
    return picked


def _median_rows(matrix: Floats) -> Floats:
    """Median of each row without its NaN (numpy sorts them to the end); NaN for a row of nothing else."""
    matrix.sort(axis=1)
    count = _filled_columns(matrix)
    row = np.arange(matrix.shape[0])
    low = matrix[row, np.maximum(count - 1, 0) // 2]
    high = matrix[row, np.minimum(count // 2, matrix.shape[1] - 1)]
    # Halved before they are added: the sum of two huge values would overflow.
    return np.where(count > 0, low / 2 + high / 2, np.nan)


def _filled_columns(matrix: Floats) -> Ints:
    """How many values each sorted row holds before its NaN."""
    count = np.full(matrix.shape[0], matrix.shape[1], dtype=np.int64)
    short = np.flatnonzero(np.isnan(matrix[:, -1]))
    count[short] -= np.isnan(matrix[short]).sum(axis=1)
    return count


def _scale_rows(matrix: Floats) -> Floats:
    scale = MEDIAN_TO_SD * _median_rows(matrix)
    still = np.flatnonzero(scale == 0)
    if still.size:
        rows = matrix[still]
        count = _filled_columns(rows)
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
    found = np.full((repeats, times.size), np.inf)
    own = np.arange(times.size, dtype=np.int64)
    count = np.zeros(times.size, dtype=np.int64)
    for repeat in range(1, repeats + 1):
        wanted = times - repeat * period_us
        nearest, distance = _nearest(times, wanted)
        usable: Bools = (distance <= tolerance_us) & (nearest < own)
        if allowed is not None:
            usable &= allowed(wanted)
        np.copyto(found[repeat - 1], values[nearest], where=usable)
        count += usable
    return np.where(count >= min_found, _median_of_few(found, count), np.nan)


def _median_of_few(found: Floats, count: Ints) -> Floats:
    """Median of the first `count` of each column once sorted; `found` is (few, n), infinite where nothing is.

    A sorting network (Batcher's odd-even merge sort) compares whole rows; numpy would sort n tiny columns.
    """
    result = np.empty(count.size)
    for first in range(0, count.size, CHUNK_ROWS):
        columns = found[:, first : first + CHUNK_ROWS].copy()
        for low, high in _network(len(found)):
            smaller = np.minimum(columns[low], columns[high])
            np.maximum(columns[low], columns[high], out=columns[high])
            columns[low] = smaller
        number = count[first : first + CHUNK_ROWS]
        column = np.arange(number.size)
        middle = columns[np.maximum(number - 1, 0) // 2, column] / 2
        result[first : first + CHUNK_ROWS] = (
            middle + columns[np.minimum(number // 2, len(found) - 1), column] / 2
        )
    return result


@cache
def _network(size: int) -> tuple[tuple[int, int], ...]:
    """Pairs to compare, in order, that sort `size` values. Source: Batcher (1968)."""
    pairs: list[tuple[int, int]] = []
    span = 1
    while span < size:
        gap = span
        while gap >= 1:
            for first in range(gap % span, size - gap, 2 * gap):
                pairs += [
                    (low, low + gap)
                    for low in range(first, min(first + gap, size - gap))
                    if low // (2 * span) == (low + gap) // (2 * span)
                ]
            gap //= 2
        span *= 2
    return tuple(pairs)


def _nearest(times: Times, wanted: Times) -> tuple[Ints, Times]:
    """Index of the sample nearest to each wanted time, the earlier of two, and its distance. Microseconds."""
    after = np.minimum(np.searchsorted(times, wanted, side="left").astype(np.int64), times.size - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times[before] - wanted) <= np.abs(times[after] - wanted), before, after)
    return nearest, np.abs(times[nearest] - wanted)
