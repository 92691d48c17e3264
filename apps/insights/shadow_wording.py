"""Shadow runs in words, with their days and a picture. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from django.db.models import Sum

from apps.telemetry import reading
from apps.ui import figures
from apps.ui.charts import Line, TimeChart, time_chart

from .models import ShadowReading, ShadowRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import Insight

NEWEST = 10
FEW_FOR_A_LINE = 2
COUNTS = ("samples", "paused", "false_before", "false_after", "incidents", "gained", "lost")


@dataclass(frozen=True)
class Day:
    """All services of a run on one day."""

    day: date
    samples: int
    paused: int
    false_before: int
    false_after: int
    incidents: int
    gained: int
    lost: int


@dataclass(frozen=True)
class RunShown:
    """One run as its page shows it."""

    run: ShadowRun
    tone: str
    headline: str
    text: str
    figures: str
    days: list[Day]
    chart: TimeChart | None


def runs(insight: Insight) -> list[RunShown]:
    """The newest runs of an insight, newest first; two queries."""
    found = list(
        ShadowRun.objects.filter(revision__insight=insight)
        .select_related("started_by", "revision")
        .order_by("-pk")[:NEWEST]
    )
    days: dict[int, list[Day]] = defaultdict(list)
    sums = {name: Sum(name) for name in COUNTS}
    rows = ShadowReading.objects.filter(run__in=found).values("run", "day").annotate(**sums)
    for row in cast("list[dict[str, Any]]", list(rows.order_by("day"))):
        days[row["run"]].append(Day(day=row["day"], **{name: row[name] for name in COUNTS}))
    return [_shown(run, days[run.pk]) for run in found]


def _shown(run: ShadowRun, days: list[Day]) -> RunShown:
    tone, headline = _headline(run)
    text = run.outcome_reason or run.ending_reason
    return RunShown(
        run=run,
        tone=tone,
        headline=headline,
        text=f"{text}." if text and not text.endswith(".") else text,
        figures=_figures(run, days),
        days=days,
        chart=_chart(days),
    )


def _headline(run: ShadowRun) -> tuple[str, str]:
    if run.open:
        return "info", "Going on: it is judged at its planned end"
    if run.ending == ShadowRun.Ending.FINISHED:
        return run.outcome, run.get_outcome_display()
    return "neutral", f"{run.get_ending_display()}, so it is not judged"


def _figures(run: ShadowRun, days: Sequence[Day]) -> str:
    count = {name: sum(getattr(day, name) for day in days) for name in COUNTS}
    said = (
        f"{len(days)} days read: {count['false_after']} false alarms with it, "
        f"{count['false_before']} without. "
        f"Of {count['incidents']} incidents, {count['gained']} gained and {count['lost']} lost."
    )
    if run.p is None or run.effect is None or (run.low is None and run.high is None):
        return said
    ratio = run.metric == ShadowRun.Metric.FALSE_ALARMS
    effect, low, high = (_effect(value, ratio=ratio) for value in (run.effect, run.low, run.high))
    return (
        f"{said} Effect {effect} (95 % interval {low} to {high}; p = {figures.figure(run.p)}; n = {run.n})."
    )


def _effect(value: float | None, *, ratio: bool) -> str:
    if value is None:
        return "no bound"
    number = round(100 * (float(np.expm1(value)) if ratio else value))
    sign = "\N{MINUS SIGN}" if number < 0 else "+" if number else ""
    return f"{sign}{abs(number)}{' %' if ratio else ' points'}"


def _chart(days: Sequence[Day]) -> TimeChart | None:
    if len(days) < FEW_FOR_A_LINE:
        return None
    midnights = [datetime.combine(day.day, time.min, UTC) for day in days]
    times = np.array([reading.to_us(moment) for moment in midnights], dtype=np.int64)
    return time_chart(
        lines=[
            Line("Without it", times, np.array([day.false_before for day in days], dtype=np.float64), "warn"),
            Line("With it", times, np.array([day.false_after for day in days], dtype=np.float64), "info"),
        ],
        start_us=int(times[0]),
        end_us=int(times[-1]),
        unit="false alarms a day",
        title="False alarms of both ways",
        height=140,
    )
