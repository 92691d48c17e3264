"""What it would take to tell: how many more, and how many weeks that is at the pace so far. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from apps.actions.models import Metric
from apps.analysis import counts, effects, paired

from . import judging, phrases

if TYPE_CHECKING:
    from .models import Verdict

UNITS = {
    Metric.FALSE_ALARMS: ("service-day that differs", "service-days that differ"),
    Metric.RECALL: ("held-out incident", "held-out incidents"),
    Metric.TIME_TO_DETECT: ("held-out incident that is caught", "held-out incidents that are caught"),
    Metric.REMEDIATION: ("incident that automation could end", "incidents that automation could end"),
}
FIELD_UNIT = ("incident", "incidents")
LEAST = {
    Metric.FALSE_ALARMS: paired.BLOCKS_NEEDED,
    Metric.RECALL: judging.MIN_INCIDENTS,
    Metric.TIME_TO_DETECT: judging.MIN_INCIDENTS,
    Metric.INCIDENT_COUNT: 1,
}
MOST_WEEKS = 520  # ten years: beyond that no number of weeks is worth saying


def sentence(verdict: Verdict, smallest_effect: float | None) -> str:
    """What would have to happen before this action can be judged, for somebody who never saw a p-value.

    The number scales with the square of the smallest detectable over the declared effect, as standard errors
    do; at least it is what the method asks for. Empty where the verdict is a finding.
    """
    if verdict.verdict in {"improved", "worse"}:
        return ""
    metric = Metric(verdict.metric)
    controls = verdict.report.get("controls")
    if metric == Metric.INCIDENT_COUNT and controls is not None:
        live = sum(one["before"] + one["after"] > 0 for one in controls)
        if live < counts.SIGNIFICANT_FROM:
            return (
                f"It would take at least {counts.SIGNIFICANT_FROM} untouched services of the same tier with "
                f"an incident; there are {live}. More weeks alone do not help."
            )
    wanted = total_needed(metric, verdict.n, verdict.minimum_detectable_effect, smallest_effect)
    more = max(0, wanted - verdict.n)
    unit = UNITS.get(metric, FIELD_UNIT)
    aim = _aim(metric, smallest_effect)
    if not more:
        return f"There was enough to find {aim}." if aim and verdict.verdict == "no_evidence" else ""
    return f"To tell, it takes about {more:,} more {unit[more != 1]}{_pace(verdict, more)}."


def total_needed(metric: Metric, n: int, detectable: float | None, declared: float | None) -> int:
    """How many there have to be to find the declared effect four times in five."""
    least = LEAST.get(metric, 2 * effects.MIN_EACH)
    if not detectable or not declared or not n:
        return max(least, n)
    found, wanted = (_scale(metric, one) for one in (detectable, declared))
    return max(least, n, math.ceil(n * (found / wanted) ** 2)) if wanted > 0 else max(least, n)


def _scale(metric: Metric, share: float) -> float:
    """On which standard errors shrink with the square root: logs of ratios, else the difference itself."""
    if metric not in phrases.RATIOS:
        return share
    return -math.log1p(-min(share, 0.999))


def _aim(metric: Metric, declared: float | None) -> str:
    return f"an effect of {phrases.size(metric, declared)}" if declared else ""


def _pace(verdict: Verdict, more: int) -> str:
    days = verdict.report.get("longest_days") or _field_days(verdict)
    if not days or not verdict.n:
        return ""
    weeks = math.ceil(more / verdict.n * days / 7)
    if weeks > MOST_WEEKS:
        return ", which at the pace so far is longer than ten years"
    return f", or some {weeks} more week{'s' if weeks != 1 else ''} at the pace so far"


def _field_days(verdict: Verdict) -> float:
    """Days of both windows together that have been counted."""
    windows = verdict.report.get("windows", {})
    return float(windows.get("days", 0.0))
