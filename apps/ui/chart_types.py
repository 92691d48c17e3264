"""What a chart over time is given, and what its template draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from .summaries import Event, Summary


@dataclass(frozen=True, eq=False)
class Line:
    """A series: `times_us` (n,) ascending, `values` (n,), NaN where a sample lacks."""

    label: str
    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    tone: str = "accent"


@dataclass(frozen=True)
class Band:
    """A shaded interval: an incident, a benign burst, a window."""

    label: str
    start_us: int
    end_us: int
    tone: str = "neutral"
    href: str = ""


@dataclass(frozen=True)
class Lane:
    """A row of episodes under the plot, one row per arm; `spans` are (start, end)."""

    label: str
    tone: str
    spans: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Mark:
    """A moment: a release, a change, a cut."""

    label: str
    at_us: int
    tone: str = "neutral"
    href: str = ""


@dataclass(frozen=True)
class LineShown:
    label: str
    tone: str
    dash: str
    path: str  # in the stretched box
    values: str  # of the path's points, in order, for the readout


@dataclass(frozen=True)
class SpanShown:
    label: str
    tone: str
    href: str
    x: str
    width: str
    title: str
    inline: bool = False  # the label fits inside


@dataclass(frozen=True)
class LaneShown:
    label: str
    tone: str
    label_y: int
    bar_y: int
    n: int
    spans: list[SpanShown]


@dataclass(frozen=True)
class MarkShown:
    label: str
    tone: str
    href: str
    x: str
    anchor: str
    labelled: bool
    title: str


@dataclass(frozen=True)
class Tick:
    place: str
    label: str
    anchor: str = "middle"
    minor: bool = False


@dataclass(frozen=True)
class TimeChart:
    """Everything that the template draws."""

    title: str
    unit: str
    description: str
    top: int
    plot_height: int
    height: int
    start_us: int
    end_us: int
    start: dt.datetime
    end: dt.datetime
    low: float
    high: float
    lines: list[LineShown]
    bands: list[SpanShown]
    lanes: list[LaneShown]
    marks: list[MarkShown]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    summary: Summary
    events: list[Event]
    n_events: int
    legend_bands: list[SpanShown] = field(default_factory=list)
    more_bands: int = 0

    @property
    def is_empty(self) -> bool:
        return not any(line.path for line in self.lines)

    @property
    def axis_y(self) -> int:
        return self.top + self.plot_height + 16

    @property
    def bottom(self) -> int:
        return self.top + self.plot_height
