"""The geometry of charts without an axis of time: effects with their intervals, bars, sparks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from . import figures, scales

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARK_WIDTH: Final = 120
SPARK_HEIGHT: Final = 28
_MARGIN: Final = 2.0  # pixels above and below a spark's line


@dataclass(frozen=True)
class ForestRow:
    """An estimate with its interval; `value` None where there are too few data for one."""

    label: str
    low: float | None
    value: float | None
    high: float | None
    note: str = ""
    href: str = ""
    tone: str = "neutral"


@dataclass(frozen=True)
class ForestRowShown:
    label: str
    note: str
    href: str
    tone: str
    estimate: str
    interval: str
    low: str  # percent of the width, "" where there is no interval
    value: str
    high: str


@dataclass(frozen=True)
class ForestTick:
    place: str
    label: str
    anchor: str


@dataclass(frozen=True)
class Forest:
    title: str
    unit: str
    null_at: str
    null_label: str
    rows: list[ForestRowShown]
    ticks: list[ForestTick]


def forest(rows: Sequence[ForestRow], *, unit: str, null_at: float = 0.0, title: str) -> Forest:
    """Lay out estimates with intervals on one scale, which always includes `null_at` (no effect)."""
    given = [value for row in rows for value in (row.low, row.value, row.high)]
    known = [value for value in given if value is not None and math.isfinite(value)]
    low, high = min([*known, null_at]), max([*known, null_at])
    room = (high - low) * 0.04 or 1.0
    values = scales.value_ticks(low, high, wanted=4)
    left, right = min(values[0], low - room), max(values[-1], high + room)

    def place(value: float | None) -> str:
        if value is None or not math.isfinite(value):
            return ""
        return f"{(value - left) / (right - left) * 100:.3f}%"

    signed = null_at == 0
    return Forest(
        title=title,
        unit=unit,
        null_at=place(null_at),
        null_label=figures.figure(null_at),
        rows=[
            ForestRowShown(
                label=row.label,
                note=row.note,
                href=row.href,
                tone=row.tone,
                estimate=figures.figure(row.value, signed=signed),
                interval=_interval(row, signed=signed),
                low=place(row.low),
                value=place(row.value),
                high=place(row.high),
            )
            for row in rows
        ],
        ticks=[
            ForestTick(place(value), label, _anchor((value - left) / (right - left)))
            for value, label in zip(values, scales.value_labels(values), strict=True)
        ],
    )


def _interval(row: ForestRow, *, signed: bool) -> str:
    if row.value is None or row.low is None or row.high is None:
        return ""
    return f"{figures.figure(row.low, signed=signed)} to {figures.figure(row.high, signed=signed)}"


def _anchor(share: float) -> str:
    if share < 0.05:  # noqa: PLR2004  # at the edges text would be cut off
        return "start"
    return "end" if share > 0.95 else "middle"  # noqa: PLR2004


@dataclass(frozen=True)
class Bar:
    label: str
    value: float | None
    href: str = ""
    note: str = ""
    tone: str = "accent"


@dataclass(frozen=True)
class BarShown:
    label: str
    text: str
    href: str
    note: str
    tone: str
    width: str


@dataclass(frozen=True)
class Bars:
    title: str
    unit: str
    rows: list[BarShown]


def bars(rows: Sequence[Bar], *, unit: str = "", title: str) -> Bars:
    """Lay out lengths that start at zero; the longest one fills the width."""
    sizes = [row.value if row.value is not None and math.isfinite(row.value) else 0.0 for row in rows]
    longest = max([size for size in sizes if size > 0], default=1.0)
    return Bars(
        title=title,
        unit=unit,
        rows=[
            BarShown(
                label=row.label,
                text=figures.figure(row.value),
                href=row.href,
                note=row.note,
                tone=row.tone,
                width=f"{max(0.0, size) / longest * 100:.2f}%",
            )
            for row, size in zip(rows, sizes, strict=True)
        ],
    )


@dataclass(frozen=True)
class Spark:
    label: str
    tone: str
    path: str
    description: str
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def spark(values: Sequence[float], *, label: str, tone: str = "accent") -> Spark:
    """A small line of equally spaced values; the words say its least, greatest and last value."""
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    if not len(finite):
        return Spark(label, tone, "", f"{label}: no values")
    low, high = float(finite.min()), float(finite.max())
    flat = high == low
    steps = np.arange(len(array), dtype=np.int64)
    kept = scales.decimate(steps, array, start_us=0, end_us=max(1, len(array) - 1), columns=SPARK_WIDTH)
    xs = kept / max(1, len(array) - 1) * SPARK_WIDTH
    share = np.full(len(kept), 0.5) if flat else (high - array[kept]) / (high - low)
    ys = _MARGIN + share * (SPARK_HEIGHT - 2 * _MARGIN)
    run = scales.runs(steps, array)[kept]
    path = "".join(
        f"{'M' if number == 0 or run[number] != run[number - 1] else 'L'}{x:.1f},{y:.1f}"
        for number, (x, y) in enumerate(zip(xs, ys, strict=True))
    )
    words = (
        f"{label}: from {figures.figure(low)} to {figures.figure(high)}, last {figures.figure(finite[-1])}"
    )
    return Spark(label, tone, path, words)
