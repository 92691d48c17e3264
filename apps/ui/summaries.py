"""What a chart over time shows, as tables: values by hour, day or longer, and episodes in order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from . import figures, scales

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .charts import Band, Lane, Mark

MOST_ROWS: Final = 60
_STEPS_S: Final = (60, 300, 900, 3600, 6 * 3600, 86_400, 7 * 86_400, 28 * 86_400, 364 * 86_400, 3640 * 86_400)
_DAY_S: Final = 86_400


@dataclass(frozen=True)
class Cell:
    """One line in one period."""

    n: int
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True)
class SummaryRow:
    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class Summary:
    """At most sixty periods of equal length; periods without any sample are left out."""

    period: str
    labels: list[str]
    rows: list[SummaryRow]


@dataclass(frozen=True)
class Event:
    """A band, an episode of a lane, or a mark (without an end)."""

    label: str
    tone: str
    href: str
    start: dt.datetime
    length_s: float | None


@dataclass(frozen=True)
class Events:
    """The first rows in order of time, and how many there are."""

    rows: list[Event]
    n: int


def summary_of(
    lines: Sequence[tuple[str, NDArray[np.int64], NDArray[np.float64]]], start_us: int, end_us: int
) -> Summary:
    """Minimum, median and maximum of each line by periods that begin at round moments in UTC."""
    step_s = next(
        (s for s in _STEPS_S if (end_us - start_us) / scales.SECOND_US / s <= MOST_ROWS - 1), _STEPS_S[-1]
    )
    step_us = step_s * scales.SECOND_US
    numbers = [times // step_us for _, times, _ in lines]
    periods = np.unique(np.concatenate(numbers)) if numbers else np.empty(0, dtype=np.int64)
    rows = [
        SummaryRow(
            _label(int(period) * step_us, step_s),
            [_cell(values[number == period]) for number, (_, _, values) in zip(numbers, lines, strict=True)],
        )
        for period in periods[:MOST_ROWS]
    ]
    return Summary(_period(step_s), [label for label, _, _ in lines], rows)


def _cell(values: NDArray[np.float64]) -> Cell:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Cell(0, None, None, None)
    return Cell(len(finite), float(finite.min()), float(np.median(finite)), float(finite.max()))


def _label(us: int, step_s: int) -> str:
    moment = scales.at(us)
    return f"{moment:%Y-%m-%d}" if step_s >= _DAY_S else f"{moment:%Y-%m-%d %H:%M}"


def _period(step_s: int) -> str:
    named = {60: "minute", 3600: "hour", _DAY_S: "day", 7 * _DAY_S: "week"}
    return named.get(step_s) or figures.duration(step_s)


def events_of(
    bands: Sequence[Band],
    lanes: Sequence[Lane],
    marks: Sequence[Mark],
    *,
    inside: Callable[[int, int], bool],
) -> Events:
    """Everything with a moment, in order of time; the first sixty."""
    found: list[tuple[int, float, str, str, str]] = [
        (band.start_us, float(band.end_us - band.start_us), band.label, band.tone, band.href)
        for band in bands
    ]
    for lane in lanes:
        found += [
            (start, float(end - start), lane.label, lane.tone, "")
            for start, end in lane.spans
            if inside(start, end)
        ]
    found += [(mark.at_us, math.nan, mark.label, mark.tone, mark.href) for mark in marks]
    found.sort(key=lambda one: (one[0], one[2]))
    rows = [
        Event(
            label,
            tone,
            href,
            scales.at(start),
            None if math.isnan(length) else length / scales.SECOND_US,
        )
        for start, length, label, tone, href in found[:MOST_ROWS]
    ]
    return Events(rows, len(found))
