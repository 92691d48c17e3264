"""What a shadow run showed, at its planned end and only then. Pure: readings in, a finding out.

The tests are those of every replay (`analysis.paired`): false alarms by service-days that differ, incidents
by those that only one way caught. Fewer false alarms count only where it is known that hardly an incident is
lost for them; too little is said to be too little.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from apps.analysis import paired, stats
from apps.analysis.paired import ALPHA

from .models import ShadowRun

if TYPE_CHECKING:
    from collections.abc import Sequence

Outcome = ShadowRun.Outcome
MIN_INCIDENTS = 20
MIN_POWER = 0.5
MAX_RECALL_LOSS = 0.10
SERVICES_FOR_T = 2


class Counted(Protocol):
    """A service-day: a reading, or what is about to become one."""

    service: str
    false_before: int
    false_after: int
    incidents: int
    gained: int
    lost: int


@dataclass(frozen=True)
class Finding:
    """A verdict with all that it rests on."""

    outcome: str
    reason: str
    method: str
    figures: paired.Paired
    power: float


def judge(days: Sequence[Counted], *, metric: str, smallest_effect: float) -> Finding:
    """The finding of a finished run by its registered metric and smallest effect (a share)."""
    incidents = sum(day.incidents for day in days)
    gained, lost = sum(day.gained for day in days), sum(day.lost for day in days)
    if metric == ShadowRun.Metric.RECALL:
        return _recall(incidents, gained, lost, smallest_effect)
    blocks = [(day.false_before, day.false_after) for day in days]
    found = paired.block_ratio(blocks)
    power = paired.block_power(blocks, smallest_effect)
    outcome, reason = _few_or(
        found,
        power,
        ""
        if found.n >= paired.BLOCKS_NEEDED
        else f"{found.n} service-days differ; at least {paired.BLOCKS_NEEDED} are needed to tell",
        better=found.high is not None and found.high < 0,
        worse=found.low is not None and found.low > 0,
    )
    if outcome == Outcome.IMPROVED:
        outcome, reason = _guarded(reason, days, gained, lost)
    found = replace(found, smallest=paired.block_smallest(blocks))
    return Finding(outcome, reason, "sign-flip test over service-days", found, power)


def _recall(incidents: int, gained: int, lost: int, smallest_effect: float) -> Finding:
    found = paired.recall_difference(incidents, gained, lost)
    power = paired.recall_power(incidents, min(gained, lost), smallest_effect) if incidents else 0.0
    outcome, reason = _few_or(
        found,
        power,
        ""
        if incidents >= MIN_INCIDENTS
        else f"{incidents} incidents happened; at least {MIN_INCIDENTS} are needed to tell",
        better=found.low is not None and found.low > 0,
        worse=found.high is not None and found.high < 0,
    )
    return Finding(outcome, reason, "exact test of the incidents that only one way caught", found, power)


def _few_or(
    found: paired.Paired, power: float, missing: str, *, better: bool, worse: bool
) -> tuple[str, str]:
    """`missing`: what there is too little of; empty where there is enough."""
    if missing:
        return Outcome.TOO_FEW_DATA, missing
    if power < MIN_POWER:
        return Outcome.TOO_FEW_DATA, (
            f"The effect that was registered would have been found in only {power:.0%} of such runs"
        )
    if found.p < ALPHA and better:
        return Outcome.IMPROVED, "The difference is larger than chance explains"
    if found.p < ALPHA and worse:
        return Outcome.WORSE, "It moved the wrong way, by more than chance explains"
    return Outcome.NO_EVIDENCE, "There was enough to tell, and the difference is within chance"


def _guarded(reason: str, days: Sequence[Counted], gained: int, lost: int) -> tuple[str, str]:
    """Silence bought with missed incidents is no improvement, nor silence of which nobody knows the price."""
    if lost > gained and paired.discordant_p(gained, lost) < ALPHA:
        return Outcome.WORSE, f"Fewer false alarms, but {lost} incidents were missed for them"
    incidents, low = sum(day.incidents for day in days), _recall_low(days)
    if low is None:
        return (
            Outcome.NO_EVIDENCE,
            "Fewer false alarms; no incident happened to show whether any would be missed",
        )
    if low <= -MAX_RECALL_LOSS:
        return Outcome.NO_EVIDENCE, (
            f"Fewer false alarms, but with {incidents} incidents a loss of {MAX_RECALL_LOSS:.0%} of them "
            "is not ruled out"
        )
    return Outcome.IMPROVED, reason


def _recall_low(days: Sequence[Counted]) -> float | None:
    """Lower bound of the recall difference: over services, of incidents where all are of one service."""
    incidents: dict[str, int] = defaultdict(int)
    moved: dict[str, int] = defaultdict(int)
    for day in days:
        incidents[day.service] += day.incidents
        moved[day.service] += day.gained - day.lost
    known = {service: number for service, number in incidents.items() if number}
    if len(known) >= SERVICES_FOR_T:
        return stats.t_interval([moved[service] / number for service, number in sorted(known.items())]).low
    gained, lost = sum(day.gained for day in days), sum(day.lost for day in days)
    return paired.recall_difference(sum(known.values()), gained, lost).low
