"""Verdicts in words that somebody who never saw a p-value can act on, and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from apps.actions.models import Metric
from apps.ui import figures
from apps.ui.charts import Forest, ForestRow, forest

from . import needed, phrases, telling
from .models import Verdict
from .phrases import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .reporting import Adjusted

UNITS = {
    Metric.FALSE_ALARMS: "change of false alarms, %",
    Metric.RECALL: "change of caught incidents, points",
    Metric.TIME_TO_DETECT: "change of delay, min",
    Metric.INCIDENT_COUNT: "change of the number of incidents beyond that of others, %",
    Metric.TIME_TO_RESOLVE: "change of the time to resolve, %",
    Metric.SEVERITY: "more severe less milder pairs, points",
    Metric.REMEDIATION: "change of the share that automation ended, points",
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
    "hold_out": ("hold-out incident", "hold-out incidents"),
    "near_misses": ("near miss", "near misses"),
    "of_others": ("incident of others", "incidents of others"),
    "between": ("incident between the two windows", "incidents between the two windows"),
    "unknown": ("incident of which this is not known", "incidents of which this is not known"),
    "silent_controls": ("service without any incident", "services without any incident"),
    telling.UNEXPLAINED: ("incident that neither way caught", "incidents that neither way caught"),
}
COUNTED = {
    Metric.FALSE_ALARMS: ("service-day that differs", "service-days that differ"),
    Metric.RECALL: ("held-out incident", "held-out incidents"),
    Metric.TIME_TO_DETECT: ("held-out incident caught", "held-out incidents caught"),
}


@dataclass(frozen=True)
class Shown:
    """A verdict as a page shows it; `outcome` and `label` as the report says, where that was asked for."""

    verdict: Verdict
    outcome: str
    label: str
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
    power: str
    needed: str
    controls: list[dict[str, Any]]


def shown(verdict: Verdict, adjusted: Adjusted | None = None) -> Shown:
    """All words of one verdict; with `adjusted`, as the report says it."""
    outcome = adjusted.verdict if adjusted else str(verdict.verdict)
    label = Verdict.Outcome(outcome).label
    reason = telling.reason(verdict, adjusted) if adjusted else verdict.reason
    return Shown(
        verdict=verdict,
        outcome=outcome,
        label=label,
        tone=TONES[Verdict.Outcome(outcome)],
        headline=f"{label}: {phrases.lower_first(reason)}.",
        figures=_figures(verdict),
        basis=_basis(verdict),
        effect=phrases.effect(verdict.metric, verdict.effect),
        interval=(
            f"{phrases.effect(verdict.metric, verdict.low)} to {phrases.effect(verdict.metric, verdict.high)}"
        )
        if verdict.effect is not None
        else figures.NOTHING,
        smallest=phrases.size(verdict.metric, verdict.minimum_detectable_effect),
        excluded=", ".join(counted(n, LEFT_OUT[name]) for name, n in telling.by_reason(verdict).items())
        or "nothing",
        counted=counted(verdict.n, COUNTED.get(Metric(verdict.metric), needed.FIELD_UNIT)),
        probability=_probability(verdict, adjusted),
        power="" if verdict.power is None else figures.percent(verdict.power),
        needed=needed.sentence(verdict, verdict.action.smallest_effect),
        controls=verdict.report.get("controls") or [],
    )


def picture(
    verdicts: Sequence[Verdict], adjusted: Mapping[int, Adjusted] | None = None, *, title: str = ""
) -> Forest | None:
    """Effects of one metric with their intervals, one row each; None where there is none to draw.

    Replay and field evidence never share a picture: a metric is measured by one of them.
    """
    found = [verdict for verdict in verdicts if verdict.effect is not None]
    if not found:
        return None
    metric = Metric(found[0].metric)
    rows = [
        ForestRow(
            label=verdict.action.title,
            low=phrases.drawn(metric, verdict.low),
            value=phrases.drawn(metric, verdict.effect),
            high=phrases.drawn(metric, verdict.high),
            note=_note(verdict, adjusted),
            href=reverse("impact:verdict", args=[verdict.pk]),
            tone=TONES[Verdict.Outcome(_outcome(verdict, adjusted))],
        )
        for verdict in found
        if verdict.metric == metric
    ]
    return forest(rows, unit=UNITS[metric], title=title or f"{metric.label}: effect with 95 % interval")


def _outcome(verdict: Verdict, adjusted: Mapping[int, Adjusted] | None) -> str:
    said = (adjusted or {}).get(verdict.pk)
    return said.verdict if said else str(verdict.verdict)


def _note(verdict: Verdict, adjusted: Mapping[int, Adjusted] | None) -> str:
    label = Verdict.Outcome(_outcome(verdict, adjusted)).label
    if adjusted is None:
        return label
    power = "" if verdict.power is None else f", power {figures.percent(verdict.power)}"
    return f"{label} · n {verdict.n:,}{power}"


def _probability(verdict: Verdict, adjusted: Adjusted | None) -> str:
    """p as it was used, with what it was multiplied by, and adjusted for all that is shown together."""
    if verdict.p is None:
        return ""
    times = f", that of one look times {verdict.look} looks" if verdict.look > 1 else ""
    among = (
        f"; {figures.figure(adjusted.p)} among {counted(adjusted.among, ('verdict', 'verdicts'))}"
        if adjusted and adjusted.p is not None
        else ""
    )
    return f"p = {figures.figure(verdict.p)}{times}{among}"


def _basis(verdict: Verdict) -> str:
    report = verdict.report
    if verdict.evidence == Verdict.Evidence.FIELD:
        names = ", ".join(report["services"])
        before, after = (_days(report["windows"][name]) for name in ("before", "after"))
        early = "" if report["complete"] else " The weeks after were not over: this was an early look."
        return (
            f"Incidents of {names}, {before} before and {after} after; not counted are the weeks from four "
            f"weeks before {report['trigger']} until it had settled.{early}"
        )
    series = len(report["series"])
    return f"Measured on {report['longest_days']:.1f} held-out days of {series} series."


def _days(span: list[str]) -> str:
    return f"{span[0][:10]} to {span[1][:10]}"


def _figures(verdict: Verdict) -> str:
    """The plain counts behind the effect."""
    report = verdict.report
    if verdict.evidence == Verdict.Evidence.FIELD:
        return _field_figures(verdict)
    alarms, incidents = report["false_alarms"], report["incidents"]
    held_out, lost, gained = incidents["held_out"], incidents["lost"], incidents["gained"]
    said = [
        f"{alarms['before']} false alarms without the insight, {alarms['after']} with it.",
        f"Of {held_out} incidents, {lost or 'none'} lost and {gained or 'none'} gained.",
    ]
    return " ".join(said if verdict.metric == Metric.FALSE_ALARMS else reversed(said))


def _field_figures(verdict: Verdict) -> str:
    sides = ((verdict.report["before"], "before"), (verdict.report["after"], "after"))
    if verdict.metric == Metric.INCIDENT_COUNT:
        controls = verdict.report["controls"] or []
        said = [f"{side['incidents']} incidents in {side['days']:.0f} days {word}" for side, word in sides]
        said.append(f"{len(controls)} untouched services beside")
    else:
        told = {Metric.TIME_TO_RESOLVE: _lasted, Metric.SEVERITY: _severities}
        tell = told.get(Metric(verdict.metric), _automation)
        said = [tell(side, word) for side, word in sides]
    return "; ".join(said) + "."


def _severities(side: dict[str, Any], word: str) -> str:
    return f"{word}: " + (", ".join(f"{n} {level}" for level, n in side["severities"].items()) or "none")


def _automation(side: dict[str, Any], word: str) -> str:
    return (
        f"{word} {side['succeeded']} ended by automation, of {side['attempted']} that it tried and "
        f"{side['incidents']} that it could have"
    )


def _lasted(side: dict[str, Any], word: str) -> str:
    still = f", {side['open']} still open" if side["open"] else ""
    return (
        f"{side['incidents']} incidents {word}{still}, half over after {figures.duration(side['median_s'])}"
    )
