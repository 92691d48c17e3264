"""Verdicts in words that somebody who never saw a p-value can act on, and as a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from apps.actions.models import Metric
from apps.ui import figures
from apps.ui.charts import Forest, ForestRow, forest

from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINUS = "\N{MINUS SIGN}"
UNITS = {
    Metric.FALSE_ALARMS: "change of false alarms, %",
    Metric.RECALL: "change of caught incidents, points",
    Metric.TIME_TO_DETECT: "change of delay, min",
}
TONES = {
    Verdict.Outcome.IMPROVED: "good",
    Verdict.Outcome.WORSE: "bad",
    Verdict.Outcome.NO_EVIDENCE: "neutral",
    Verdict.Outcome.TOO_FEW_DATA: "warn",
}
LEFT_OUT = {
    "drills": ("drill", "drills"),
    "unscored": ("incident across the cut", "incidents across the cut"),
    "own_incident": (
        "incident that the insight was learnt from",
        "incidents that the insight was learnt from",
    ),
}
COUNTED = {
    Metric.FALSE_ALARMS: ("service-day that differs", "service-days that differ"),
    Metric.RECALL: ("held-out incident", "held-out incidents"),
    Metric.TIME_TO_DETECT: ("held-out incident caught", "held-out incidents caught"),
}


@dataclass(frozen=True)
class Shown:
    """A verdict as a page shows it."""

    verdict: Verdict
    tone: str
    headline: str
    figures: str
    basis: str
    effect: str
    interval: str
    smallest: str
    excluded: str
    counted: str
    probability: str


def shown(verdict: Verdict) -> Shown:
    """All words of one verdict."""
    convert = _CONVERT[Metric(verdict.metric)]
    report = verdict.report
    left_out = [_number(number, LEFT_OUT[name]) for name, number in report["excluded"].items() if number]
    series = len(report["series"])
    return Shown(
        verdict=verdict,
        tone=TONES[Verdict.Outcome(verdict.verdict)],
        headline=f"{verdict.get_verdict_display()}: {_lower_first(verdict.reason)}.",
        figures=_figures(verdict),
        basis=f"Measured on {report['longest_days']:.1f} held-out days of {series} series.",
        effect=convert(verdict.effect),
        interval=f"{convert(verdict.low)} to {convert(verdict.high)}"
        if verdict.effect is not None
        else figures.NOTHING,
        smallest=_size(verdict),
        excluded=", ".join(left_out) or "nothing",
        counted=_number(verdict.n, COUNTED[Metric(verdict.metric)]),
        probability=_probability(verdict),
    )


def picture(verdicts: Sequence[Verdict]) -> Forest | None:
    """Effects of one metric with their intervals, one row each; None where there is none to draw."""
    found = [verdict for verdict in verdicts if verdict.effect is not None]
    if not found:
        return None
    metric = Metric(found[0].metric)
    rows = [
        ForestRow(
            label=verdict.action.title,
            low=_drawn(verdict, verdict.low),
            value=_drawn(verdict, verdict.effect),
            high=_drawn(verdict, verdict.high),
            note=verdict.get_verdict_display(),
            href=reverse("impact:verdict", args=[verdict.pk]),
            tone=TONES[Verdict.Outcome(verdict.verdict)],
        )
        for verdict in found
        if verdict.metric == metric
    ]
    return forest(rows, unit=UNITS[metric], title=f"{metric.label}: effect with 95 % interval")


def _probability(verdict: Verdict) -> str:
    """p as it was used, with what it was multiplied by."""
    if verdict.p is None:
        return ""
    times = f", that of one look times {verdict.look} looks" if verdict.look > 1 else ""
    return f"p = {figures.figure(verdict.p)}{times}"


def _number(number: int, words: tuple[str, str]) -> str:
    return f"{number} {words[number != 1]}"


def _figures(verdict: Verdict) -> str:
    """The plain counts behind the effect."""
    report = verdict.report
    alarms, incidents = report["false_alarms"], report["incidents"]
    held_out, lost, gained = incidents["held_out"], incidents["lost"], incidents["gained"]
    said = [
        f"{alarms['before']} false alarms without the insight, {alarms['after']} with it.",
        f"Of {held_out} incidents, {lost or 'none'} lost and {gained or 'none'} gained.",
    ]
    return " ".join(said if verdict.metric == Metric.FALSE_ALARMS else reversed(said))


def _size(verdict: Verdict) -> str:
    """The smallest effect that would have been found, without its sign."""
    size = verdict.minimum_detectable_effect
    if size is None:
        return "none: too little happened"
    if verdict.metric == Metric.TIME_TO_DETECT:
        return figures.duration(size)
    return f"{100 * size:.0f} %" if verdict.metric == Metric.FALSE_ALARMS else f"{100 * size:.0f} points"


def _change(value: float | None) -> str:
    return figures.NOTHING if value is None else _signed(100 * math.expm1(value), " %")


def _points(value: float | None) -> str:
    return figures.NOTHING if value is None else _signed(100 * value, " points")


def _delay(value: float | None) -> str:
    if value is None:
        return "no bound"
    return f"{MINUS if value < 0 else '+'}{figures.duration(abs(value))}" if value else "0 s"


def _signed(number: float, unit: str) -> str:
    rounded = round(number)
    sign = MINUS if rounded < 0 else "+" if rounded else ""
    return f"{sign}{abs(rounded):,}{unit}"


def _drawn(verdict: Verdict, value: float | None) -> float | None:
    if value is None:
        return None
    if verdict.metric == Metric.TIME_TO_DETECT:
        return value / 60
    return 100 * (math.expm1(value) if verdict.metric == Metric.FALSE_ALARMS else value)


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


_CONVERT: dict[Metric, Callable[[float | None], str]] = {
    Metric.FALSE_ALARMS: _change,
    Metric.RECALL: _points,
    Metric.TIME_TO_DETECT: _delay,
}
