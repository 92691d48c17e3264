"""The chart of one series: its samples, its incidents, and the alarms of both arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.insights.evidence import incidents
from apps.telemetry.reading import from_us
from apps.ui.charts import Band, Lane, Line, Mark, TimeChart, time_chart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.analysis.types import Interval
    from apps.evaluation.comparison import Comparison, IncidentOutcome


@dataclass(frozen=True, eq=False)
class Shown:
    """One series on the page: its chart and its incidents."""

    series_id: str
    chart: TimeChart
    incidents: list[tuple[datetime, IncidentOutcome]]
    cut: datetime
    n_before: int
    n_after: int


def shown(one: Comparison, *, served: bool) -> Shown:
    """The chart of a comparison; up to the cut only, unless the revision is or was served."""
    telemetry = one.telemetry
    inside = telemetry.times == telemetry.times if served else telemetry.times < one.cut_us
    times, values = telemetry.times[inside], telemetry.values[inside]
    start = int(times[0]) if len(times) else one.cut_us
    end = max(int(times[-1]) if len(times) else one.cut_us, start + 1)
    outcomes = incidents(one, served=served)
    before, after = _until(one.before_alarms, end), _until(one.after_alarms, end)
    chart = time_chart(
        lines=[Line(one.series_id, times, values, "neutral")],
        bands=[
            Band("Incident", outcome.interval.start_us, outcome.interval.end_us, "bad")
            for outcome in outcomes
        ],
        lanes=[Lane("Alarms before", "warn", before), Lane("Alarms after", "info", after)],
        marks=[Mark("held out from here", one.cut_us, "neutral")] if served else [],
        start_us=start,
        end_us=end,
        unit="",
        title=f"{one.series_id}: alarms before and after",
    )
    return Shown(
        one.series_id,
        chart,
        [(from_us(outcome.interval.start_us), outcome) for outcome in outcomes],
        from_us(one.cut_us),
        len(before),
        len(after),
    )


def _until(alarms: Sequence[Interval], end_us: int) -> list[tuple[int, int]]:
    return [(one.start_us, min(one.end_us, end_us)) for one in alarms if one.start_us <= end_us]
