"""The geometry of charts over time; `components/time_chart.html` draws it.

Horizontal places are percent of the plot's width, so that one picture serves every screen with text at its
own size; only the curves live in a box of 1000 units that is stretched. Vertical places are pixels. Times are
microseconds since 1970, UTC. Nothing here knows the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from . import figures, scales
from .chart_types import (
    Band,
    Lane,
    LaneShown,
    Line,
    LineShown,
    Mark,
    MarkShown,
    SpanShown,
    Tick,
    TimeChart,
)
from .plots import Bar, Bars, Forest, ForestRow, Spark, bars, forest, spark
from .summaries import events_of, summary_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "Band",
    "Bar",
    "Bars",
    "Forest",
    "ForestRow",
    "Lane",
    "Line",
    "Mark",
    "Spark",
    "TimeChart",
    "bars",
    "forest",
    "spark",
    "time_chart",
]

BOX: Final = 1000  # units of the stretched box
COLUMNS: Final = 900  # of decimation: about the pixels of a wide plot
DASHES: Final = ("solid", "dashed", "dotted", "dash-dot")
LANE_PX: Final = 34
AXIS_PX: Final = 24
MARKS_PX: Final = 18
_LEAST_PX: Final = 6
_LETTER_PERCENT: Final = 0.75  # width of a small letter on a plot of 900 pixels
_LEGEND_BANDS: Final = 4
_NEAR_EDGE: Final = 4.0


def time_chart(
    *,
    lines: Sequence[Line],
    bands: Sequence[Band] = (),
    lanes: Sequence[Lane] = (),
    marks: Sequence[Mark] = (),
    start_us: int,
    end_us: int,
    unit: str,
    title: str,
    height: int = 240,
) -> TimeChart:
    """Lay out lines, shaded bands, lanes of episodes and marks on one axis of time.

    `height` is that of the plot alone, in pixels. What lies outside of [start, end] is left out or cut off.
    """
    frame = _Frame(start_us, max(end_us, start_us + 1), MARKS_PX if marks else _LEAST_PX, height)
    bands = [band for band in bands if frame.overlaps(band.start_us, band.end_us)]
    marks = sorted((mark for mark in marks if frame.overlaps(mark.at_us, mark.at_us)), key=lambda m: m.at_us)
    cut = [_cut(line, frame) for line in lines]
    ticks = scales.value_ticks(*scales.value_range(_together([line.values for line in cut])))
    low, high = ticks[0], ticks[-1]
    shown_bands = [_span(band, frame) for band in bands]
    legend = list({(band.label, band.tone): band for band in shown_bands}.values())
    events = events_of(bands, lanes, marks, inside=frame.overlaps)
    summary = summary_of([(line.label, line.times_us, line.values) for line in cut], start_us, end_us)
    return TimeChart(
        title=title,
        unit=unit,
        description=f"{title}. {_description(cut, bands, lanes, frame, unit)}",
        top=frame.top,
        plot_height=height,
        height=frame.top + height + AXIS_PX + LANE_PX * len(lanes),
        start_us=start_us,
        end_us=end_us,
        start=scales.at(start_us),
        end=scales.at(end_us),
        low=low,
        high=high,
        lines=[_line(line, number, frame, low, high) for number, line in enumerate(cut)],
        bands=shown_bands,
        lanes=[_lane(lane, number, frame) for number, lane in enumerate(lanes)],
        marks=_marks(marks, frame),
        x_ticks=_x_ticks(frame),
        y_ticks=_y_ticks(ticks, frame),
        summary=summary,
        events=events.rows,
        n_events=events.n,
        legend_bands=legend[:_LEGEND_BANDS],
        more_bands=max(0, len(legend) - _LEGEND_BANDS),
    )


@dataclass(frozen=True)
class _Frame:
    start_us: int
    end_us: int
    top: int
    height: int

    def share(self, us: int) -> float:
        """The place of a moment as a share of the width, inside [0, 1]."""
        return min(1.0, max(0.0, (us - self.start_us) / (self.end_us - self.start_us)))

    def percent(self, us: int) -> str:
        return f"{self.share(us) * 100:.3f}%"

    def width(self, start_us: int, end_us: int) -> str:
        return f"{(self.share(end_us) - self.share(start_us)) * 100:.3f}%"

    def overlaps(self, start_us: int, end_us: int) -> bool:
        return end_us >= self.start_us and start_us <= self.end_us


def _together(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(arrays) if arrays else np.empty(0)


def _cut(line: Line, frame: _Frame) -> Line:
    """The line within the frame, as arrays of the right kind."""
    times = np.asarray(line.times_us, dtype=np.int64)
    values = np.asarray(line.values, dtype=np.float64)
    inside = (times >= frame.start_us) & (times <= frame.end_us)
    return Line(line.label, times[inside], values[inside], line.tone)


def _line(line: Line, number: int, frame: _Frame, low: float, high: float) -> LineShown:
    kept = scales.decimate(
        line.times_us, line.values, start_us=frame.start_us, end_us=frame.end_us, columns=COLUMNS
    )
    xs = (line.times_us[kept] - frame.start_us) / (frame.end_us - frame.start_us) * BOX
    ys = (high - line.values[kept]) / (high - low) * frame.height
    run = scales.runs(line.times_us, line.values)[kept]
    begins = np.concatenate(([True], run[1:] != run[:-1])) if len(kept) else np.empty(0, dtype=bool)
    ends = np.concatenate((begins[1:], [True])) if len(kept) else begins
    parts = []
    for x, y, begin, end in zip(xs, ys, begins, ends, strict=True):
        parts.append(f"{'M' if begin else 'L'}{x:.1f},{y:.1f}")
        if begin and end:
            parts.append("h.1")  # a sample alone between gaps is a dot
    return LineShown(
        label=line.label,
        tone=line.tone,
        dash=DASHES[number % len(DASHES)],
        path="".join(parts),
        values=" ".join(f"{value:.4g}" for value in line.values[kept]),
    )


def _span(band: Band, frame: _Frame) -> SpanShown:
    width = frame.share(band.end_us) - frame.share(band.start_us)
    return SpanShown(
        label=band.label,
        tone=band.tone,
        href=band.href,
        x=frame.percent(band.start_us),
        width=frame.width(band.start_us, band.end_us),
        title=_period(band.label, band.start_us, band.end_us),
        inline=width * 100 > len(band.label) * _LETTER_PERCENT + 1,
    )


def _lane(lane: Lane, number: int, frame: _Frame) -> LaneShown:
    top = frame.top + frame.height + AXIS_PX + LANE_PX * number
    spans = [(start, end) for start, end in lane.spans if frame.overlaps(start, end)]
    return LaneShown(
        label=lane.label,
        tone=lane.tone,
        label_y=top + 14,
        bar_y=top + 20,
        n=len(spans),
        spans=[
            SpanShown(
                label=lane.label,
                tone=lane.tone,
                href="",
                x=frame.percent(start),
                width=frame.width(start, end),
                title=_period(lane.label, start, end),
            )
            for start, end in spans
        ],
    )


def _marks(marks: list[Mark], frame: _Frame) -> list[MarkShown]:
    """Labels are written from left to right, as long as they do not run into each other."""
    shown = []
    free_from = 0.0
    for mark in marks:
        place = frame.share(mark.at_us) * 100
        length = len(mark.label) * _LETTER_PERCENT + 1
        anchor = "start" if place + length < 100 else "end"  # noqa: PLR2004  # percent
        begins = place if anchor == "start" else place - length
        labelled = begins >= free_from
        if labelled:
            free_from = begins + length
        shown.append(
            MarkShown(
                label=mark.label,
                tone=mark.tone,
                href=mark.href,
                x=frame.percent(mark.at_us),
                anchor=anchor,
                labelled=labelled,
                title=f"{mark.label}: {_moment(mark.at_us)}",
            )
        )
    return shown


def _x_ticks(frame: _Frame) -> list[Tick]:
    ticks = []
    for number, (us, label) in enumerate(scales.time_ticks(frame.start_us, frame.end_us)):
        place = frame.share(us) * 100
        anchor = "start" if place < _NEAR_EDGE else "end" if place > 100 - _NEAR_EDGE else "middle"
        ticks.append(Tick(f"{place:.3f}%", label, anchor, minor=number % 2 == 1))
    return ticks


def _y_ticks(values: list[float], frame: _Frame) -> list[Tick]:
    low, high = values[0], values[-1]
    return [
        Tick(f"{frame.top + (high - value) / (high - low) * frame.height:.1f}", label)
        for value, label in zip(values, scales.value_labels(values), strict=True)
    ]


def _moment(us: int) -> str:
    return f"{scales.at(us):%Y-%m-%d %H:%M} UTC"


def _period(label: str, start_us: int, end_us: int) -> str:
    length = figures.duration((end_us - start_us) / scales.SECOND_US)
    return f"{label}: {_moment(start_us)}, {length}"


def _description(
    lines: list[Line], bands: list[Band], lanes: Sequence[Lane], frame: _Frame, unit: str
) -> str:
    """The chart in a sentence, for those who do not see it."""
    found = [f"{_moment(frame.start_us)} to {_moment(frame.end_us)}"]
    for line in lines:
        finite = line.values[np.isfinite(line.values)]
        if len(finite):
            low, high = figures.figure(float(finite.min())), figures.figure(float(finite.max()))
            found.append(f"{line.label} between {low} and {high} {unit}".strip())
    if bands:
        found.append(f"{len(bands)} shaded: {', '.join(sorted({band.label for band in bands})[:3])}")
    for lane in lanes:
        n = sum(1 for start, end in lane.spans if frame.overlaps(start, end))
        found.append(f"{lane.label}: {n} episode{'' if n == 1 else 's'}")
    return "; ".join(found) + ". The numbers are in the table below."
