"""From a measurement to a verdict, by the declared metric. Pure: no database.

A verdict needs enough to tell: `BLOCKS_NEEDED` service-days that differ, or for recall and time to detect
`MIN_INCIDENTS` held-out incidents; and, where the action declares a smallest effect, a power of one half for
that. It is `improved` or `worse` when p < .05, multiplied by the number of looks, and the interval leaves out
zero that way. Fewer false alarms are an improvement only where it is known that recall did not fall by more
than `MAX_RECALL_LOSS`. Everything else is `no_evidence`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from apps.actions.models import Metric
from apps.analysis import paired, stats

from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from .results import Measurement

ALPHA = 0.05
MIN_INCIDENTS = 20
MIN_POWER = 0.5
MAX_RECALL_LOSS = 0.10
SERVICES_FOR_T = 2
Outcome = Verdict.Outcome


@dataclass(frozen=True)
class Judgement:
    """A verdict with everything that it rests on. `p` is as it was used: multiplied by the looks."""

    verdict: str
    reason: str
    metric: str
    method: str
    n: int
    excluded: int
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    power: float | None
    minimum_detectable_effect: float | None


@dataclass(frozen=True)
class Aim:
    """What the action declared, and the how manieth look at this insight and metric it is."""

    smallest_effect: float | None
    looks: int

    @property
    def alpha(self) -> float:
        """The p of a single look below which something is found."""
        return ALPHA / self.looks


def judge(measured: Measurement, *, metric: str, smallest_effect: float | None, looks: int = 1) -> Judgement:
    """The verdict on one measurement, at the `looks`-th look."""
    return _JUDGES[Metric(metric)](measured, Aim(smallest_effect, looks))


def _false_alarms(measured: Measurement, aim: Aim) -> Judgement:
    blocks = [(block.before, block.after) for block in measured.blocks]
    found = replace(paired.block_ratio(blocks), smallest=paired.block_smallest(blocks, alpha=aim.alpha))
    judged = _judged(
        Metric.FALSE_ALARMS,
        "sign-flip test over service-days",
        measured,
        found,
        aim,
        power=None
        if aim.smallest_effect is None
        else paired.block_power(blocks, aim.smallest_effect, alpha=aim.alpha),
        needed=paired.BLOCKS_NEEDED,
        missing=f"{_counted(found.n, 'service-day differs', 'service-days differ')} between the two ways; at "
        f"least {paired.BLOCKS_NEEDED} are needed to tell",
    )
    return _guarded(judged, measured)


def _guarded(judged: Judgement, measured: Measurement) -> Judgement:
    """Silence bought with missed incidents is no improvement, nor silence of which nobody knows the price."""
    if judged.verdict != Outcome.IMPROVED:
        return judged
    lost, gained = measured.lost, measured.gained
    if lost > gained and paired.discordant_p(gained, lost) < ALPHA:
        reason = f"Fewer false alarms, but {lost} incidents are missed now that were caught before"
        return replace(judged, verdict=Outcome.WORSE, reason=reason)
    low = recall_low(measured)
    if low is None:
        reason = "Fewer false alarms; whether incidents are still caught is not known: no held-out incident"
        return replace(judged, verdict=Outcome.NO_EVIDENCE, reason=reason)
    if low <= -MAX_RECALL_LOSS:
        reason = (
            f"Fewer false alarms, but the share of incidents caught may have fallen by {-low:.0%}: "
            f"{lost} of {len(measured.incidents)} held-out incidents lost, {gained} gained, and a fall of "
            f"{MAX_RECALL_LOSS:.0%} is not ruled out"
        )
        return replace(judged, verdict=Outcome.NO_EVIDENCE, reason=reason)
    return judged


def recall_low(measured: Measurement) -> float | None:
    """Lower bound of the recall difference: over services, of incidents where those are of one service.

    None without a held-out incident. Where all services differ by the same, that is the bound.
    """
    differences = measured.recall_differences
    if len(differences) >= SERVICES_FOR_T:
        return stats.t_interval(differences).low
    return paired.recall_difference(len(measured.incidents), measured.gained, measured.lost).low


def _recall(measured: Measurement, aim: Aim) -> Judgement:
    incidents, lost, gained = len(measured.incidents), measured.lost, measured.gained
    power = None
    if aim.smallest_effect is not None:
        power = paired.recall_power(incidents, min(gained, lost), aim.smallest_effect, alpha=aim.alpha)
    return _judged(
        Metric.RECALL,
        "exact test of the incidents that only one way caught",
        measured,
        paired.recall_difference(incidents, gained, lost, alpha=aim.alpha),
        aim,
        power=power,
        needed=MIN_INCIDENTS,
        missing=f"{_counted(incidents, 'incident lies', 'incidents lie')} in the held-out part; at least "
        f"{MIN_INCIDENTS} are needed to tell",
    )


def _time_to_detect(measured: Measurement, aim: Aim) -> Judgement:
    differences = measured.delay_differences
    found = paired.delay_difference(differences, alpha=aim.alpha)
    judged = _judged(
        Metric.TIME_TO_DETECT,
        "sign test of the delays, incident by incident",
        measured,
        found,
        aim,
        power=None if aim.smallest_effect is None else _delay_power(differences, aim),
        needed=MIN_INCIDENTS,
        missing=f"{_counted(found.n, 'held-out incident was', 'held-out incidents were')} caught by either "
        f"way; at least {MIN_INCIDENTS} are needed to tell",
    )
    judged = replace(judged, excluded=judged.excluded + len(measured.incidents) - found.n)
    if judged.verdict == Outcome.WORSE and found.effect == math.inf:
        return replace(judged, reason=_MOST_LOST)
    return judged


_MOST_LOST = "Most of the incidents that were caught before are missed now"


def _delay_power(differences: list[float], aim: Aim) -> float:
    """One half is reached where the effect that is found every second time is no larger than declared."""
    declared = aim.smallest_effect or 0.0
    half = paired.delay_smallest(differences, power=MIN_POWER, alpha=aim.alpha)
    full = paired.delay_smallest(differences, alpha=aim.alpha)
    if half is None or full is None or declared < half:
        return 0.0
    return paired.TARGET_POWER if declared >= full else MIN_POWER


def _judged(
    metric: Metric,
    method: str,
    measured: Measurement,
    found: paired.Paired,
    aim: Aim,
    *,
    power: float | None,
    needed: int,
    missing: str,
) -> Judgement:
    p = min(1.0, found.p * aim.looks)
    verdict, reason = (
        (Outcome.TOO_FEW_DATA, missing) if found.n < needed else _decide(found, metric, p=p, power=power)
    )
    return Judgement(
        verdict=verdict,
        reason=reason,
        metric=metric,
        method=method,
        n=found.n,
        excluded=sum(measured.excluded.values()),
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=p,
        power=power,
        minimum_detectable_effect=found.smallest,
    )


def _decide(found: paired.Paired, metric: Metric, *, p: float, power: float | None) -> tuple[str, str]:
    if power is not None and power < MIN_POWER:
        return Outcome.TOO_FEW_DATA, (
            f"The effect that was declared as the smallest of interest would have been found in only "
            f"{power:.0%} of such measurements"
        )
    below = found.high is not None and found.high < 0
    above = found.low is not None and found.low > 0
    if p < ALPHA and (below or above):
        if below == (metric in LOWER_IS_BETTER):
            return Outcome.IMPROVED, "The difference is larger than chance explains"
        return Outcome.WORSE, "It moved the wrong way, by more than chance explains"
    return Outcome.NO_EVIDENCE, "There was enough to tell, and the difference is within chance"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


LOWER_IS_BETTER = {Metric.FALSE_ALARMS, Metric.TIME_TO_DETECT}
_JUDGES: dict[Metric, Callable[[Measurement, Aim], Judgement]] = {
    Metric.FALSE_ALARMS: _false_alarms,
    Metric.RECALL: _recall,
    Metric.TIME_TO_DETECT: _time_to_detect,
}


def plain(value: object) -> object:
    """What a column can hold: no infinity, no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
