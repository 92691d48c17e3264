"""The chart of a preview: samples, incidents, benign bursts, and the alarms before and after, on one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.analysis.types import DAY_US, Interval
from apps.telemetry.reading import from_us
from apps.ui.charts import Band, Lane, Line, TimeChart, time_chart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.evaluation.comparison import IncidentOutcome
    from apps.insights.previewing import SeriesPreview

WINDOW_DAYS = 28
SHOWN_ALARMS = 10


@dataclass(frozen=True, eq=False)
class Shown:
    """One series on the page. Moments are shown to the minute; lists of alarms end after `SHOWN_ALARMS`."""

    preview: SeriesPreview
    chart: TimeChart
    incidents: list[tuple[datetime, IncidentOutcome]]
    gained: list[datetime]
    lost: list[datetime]
    cut: datetime


def shown(one: SeriesPreview, window: str) -> Shown:
    """The page's view of a series: the training part, its last 28 days or all of it."""
    comparison = one.comparison
    times = comparison.telemetry.times
    times = times[times < comparison.cut_us]
    end = int(times[-1]) if len(times) else comparison.cut_us
    start = int(times[0]) if len(times) else end
    if window != "all":
        start = max(start, end - WINDOW_DAYS * DAY_US)
    values = comparison.telemetry.values[: len(times)]
    incidents = [Band("Incident", *_ends(outcome.interval), "bad") for outcome in one.incidents]
    chart = time_chart(
        lines=[Line(comparison.series_id, times, values)],
        bands=[*incidents, *(Band("Benign burst", *_ends(span), "good") for span in one.benign)],
        lanes=[
            Lane("Alarms now", "neutral", _spans(comparison.before_alarms, end)),
            Lane("Alarms with this draft", "info", _spans(comparison.after_alarms, end)),
        ],
        start_us=start,
        end_us=end,
        unit=one.unit,
        title=f"{comparison.series_id}: alarms now and with this draft",
    )
    return Shown(
        preview=one,
        chart=chart,
        incidents=[(from_us(outcome.interval.start_us), outcome) for outcome in one.incidents],
        gained=[from_us(span.start_us) for span in one.gained],
        lost=[from_us(span.start_us) for span in one.lost],
        cut=from_us(comparison.cut_us),
    )


def _ends(span: Interval) -> tuple[int, int]:
    return span.start_us, span.end_us


def _spans(alarms: Sequence[Interval], end_us: int) -> list[tuple[int, int]]:
    return [(span.start_us, min(span.end_us, end_us)) for span in alarms if span.start_us <= end_us]
