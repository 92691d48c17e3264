"""How long an incident took to be noticed, answered and ended. Plain functions of its times, no database.

A duration exists only between two recorded times. Where one is not, the metric is None and says why: a
missing time is never taken for zero, and never averaged over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

WIDTH_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
WHY = {
    "pending": "is not known yet",
    "not_applicable": "does not apply",
    "invalid": "is known to be wrong",
}


@dataclass(frozen=True, slots=True)
class TimeValue:
    """One time of an incident: `at` (with a zone) exactly when its status is `recorded`."""

    status: str = "recorded"
    at: datetime | None = None
    source: str = ""
    precision: str = "minute"


@dataclass(frozen=True, slots=True)
class Definition:
    code: str
    label: str
    start: str
    end: str
    text: str


DEFINITIONS = (
    Definition("ttd", "Time to detect", "impact_start", "detected", "from impact to detection"),
    Definition("tta", "Time to acknowledge", "detected", "acknowledged", "from detection to an answer"),
    Definition("tte", "Time to escalate", "detected", "escalated", "from detection to escalation"),
    Definition("ttm", "Time to mitigate", "impact_start", "mitigated", "from impact to its end"),
    Definition("ttr", "Time to resolve", "impact_start", "resolved", "from impact to the cure"),
)
LABELS = {
    "impact_start": "the start of the impact",
    "detected": "the detection",
    "acknowledged": "the acknowledgement",
    "escalated": "the escalation",
    "mitigated": "the mitigation",
    "resolved": "the resolution",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """`seconds` or None with the `reason`. Negative where the end came first: an alarm before any impact.

    `within_s`: the two times are known so exactly that the true duration is less than that away.
    """

    definition: Definition
    seconds: float | None
    reason: str = ""
    within_s: int = 0

    @property
    def code(self) -> str:
        return self.definition.code

    @property
    def label(self) -> str:
        return self.definition.label


def metric(definition: Definition, times: Mapping[str, TimeValue]) -> Metric:
    """One duration of an incident with these times; a kind that is missing counts as pending."""
    start = times.get(definition.start, TimeValue("pending"))
    end = times.get(definition.end, TimeValue("pending"))
    for kind, value in ((definition.start, start), (definition.end, end)):
        if value.at is None:
            reason = f"{LABELS[kind]} {WHY.get(value.status, 'is not recorded')}"
            return Metric(definition, None, reason[0].upper() + reason[1:] + ".")
    if start.at is None or end.at is None:  # said twice for the type checker: the loop has returned
        return Metric(definition, None)
    within = max(WIDTH_S[start.precision], WIDTH_S[end.precision])
    return Metric(definition, (end.at - start.at).total_seconds(), within_s=within)


def metrics(times: Mapping[str, TimeValue]) -> dict[str, Metric]:
    """All durations by code: ttd, tta, tte, ttm, ttr."""
    return {definition.code: metric(definition, times) for definition in DEFINITIONS}
