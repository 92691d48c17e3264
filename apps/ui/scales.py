"""Where the lines of a grid lie, and which samples of a long series a picture needs."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SECOND_US: Final = 1_000_000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_STEPS_S: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(step * _MINUTE_S for step in (1, 2, 5, 10, 15, 30)),
    *(step * _HOUR_S for step in (1, 2, 3, 6, 12)),
    *(step * _DAY_S for step in (1, 2, 7, 14)),
)
_STEPS_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 600, 1200)
_MONDAY_S: Final = 4 * _DAY_S  # 1970-01-05; weeks begin on Mondays
_GAP_STEPS: Final = 3.5  # longer than that many usual steps without a sample is a gap


def at(us: int) -> dt.datetime:
    """The moment of microseconds since 1970, in UTC."""
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=int(us))


def time_ticks(start_us: int, end_us: int, *, wanted: int = 8) -> list[tuple[int, str]]:
    """Round moments of [start, end] with their labels: times within days, else days, else months."""
    span_s = (end_us - start_us) / SECOND_US
    if span_s <= 0:
        return [(start_us, f"{at(start_us):%H:%M}")]
    step = next((step for step in _STEPS_S if span_s / step <= wanted), None)
    if step is None:
        return _month_ticks(start_us, end_us, wanted=wanted)
    offset = _MONDAY_S if step % (7 * _DAY_S) == 0 else 0
    first = math.ceil((start_us / SECOND_US - offset) / step) * step + offset
    moments = range(first, math.floor(end_us / SECOND_US) + 1, step)
    return [(second * SECOND_US, _label(at(second * SECOND_US), step)) for second in moments]


def _label(moment: dt.datetime, step_s: int) -> str:
    midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    if midnight or step_s >= _DAY_S:
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M:%S}" if step_s < _MINUTE_S else f"{moment:%H:%M}"


def _month_ticks(start_us: int, end_us: int, *, wanted: int) -> list[tuple[int, str]]:
    start, end = at(start_us), at(end_us)
    months = (end.year - start.year) * 12 + end.month - start.month
    step = next((step for step in _STEPS_MONTHS if months / step <= wanted), _STEPS_MONTHS[-1])
    first = math.ceil((start.year * 12 + start.month - 1) / step) * step
    ticks = []
    for number in range(first, end.year * 12 + end.month, step):
        moment = dt.datetime(number // 12, number % 12 + 1, 1, tzinfo=dt.UTC)
        us = round(moment.timestamp()) * SECOND_US
        if start_us <= us <= end_us:
            ticks.append((us, f"{moment:%Y}" if step % 12 == 0 else f"{moment:%b %Y}"))
    return ticks


def value_ticks(low: float, high: float, *, wanted: int = 5) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten that enclose [low, high]."""
    if not high > low:
        pad = abs(low) * 0.1 or 1.0
        low, high = low - pad, high + pad
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def value_labels(ticks: Sequence[float]) -> list[str]:
    """As many decimals as the step needs, the same for all; thousands as k, M, G."""
    step = min((b - a for a, b in itertools.pairwise(ticks)), default=1.0)
    largest = max((abs(tick) for tick in ticks), default=0.0)
    unit, suffix = 1.0, ""
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if largest >= 10 * size and step >= size / 10:
            unit, suffix = size, name
            break
    decimals = max(0, -math.floor(math.log10(step / unit) + 1e-9))
    return [_minus(f"{tick / unit:.{decimals}f}") + suffix for tick in ticks]


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}") if float(text) else text.lstrip("-")


def value_range(values: NDArray[np.float64]) -> tuple[float, float]:
    """What the vertical axis must show: from zero where that costs less than half of the height."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if 0 < low < high / 2:
        return 0.0, high
    return low, high


def runs(times_us: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number each sample's run without a gap, (n,); -1 where the value is missing.

    A new run begins after missing values, and after a pause of more than 3.5 usual steps.
    """
    present = np.isfinite(values)
    kept = np.flatnonzero(present)
    numbers = np.full(len(values), -1, dtype=np.int64)
    if len(kept) == 0:
        return numbers
    steps = np.diff(times_us[kept])
    usual = float(np.median(np.diff(times_us))) if len(times_us) > 1 else 0.0
    breaks = (np.diff(kept) > 1) | (steps > max(usual, 1.0) * _GAP_STEPS)
    numbers[kept] = np.concatenate(([0], np.cumsum(breaks)))
    return numbers


def decimate(
    times_us: NDArray[np.int64], values: NDArray[np.float64], *, start_us: int, end_us: int, columns: int
) -> NDArray[np.int64]:
    """Indices of the samples that a picture `columns` pixels wide needs, in order of time.

    Each column keeps its least and its greatest value, so that no peak is lost; missing values are left out.
    """
    inside = np.flatnonzero(np.isfinite(values) & (times_us >= start_us) & (times_us <= end_us))
    if len(inside) <= 2 * columns:
        return inside
    span = max(1, end_us - start_us)
    column = (times_us[inside] - start_us) * columns // (span + 1)
    edges = np.concatenate(([0], np.flatnonzero(np.diff(column)) + 1, [len(inside)]))
    kept: set[int] = set()
    for first, last in itertools.pairwise(edges):
        part = values[inside[first:last]]
        kept |= {int(inside[first + part.argmin()]), int(inside[first + part.argmax()])}
    return np.array(sorted(kept), dtype=np.int64)
