"""From a measurement to a verdict, by the declared metric. Pure: no database.

A verdict needs enough to tell: `MIN_EPISODES` false alarms that differ (or as many series), or
`MIN_INCIDENTS` held-out incidents, or a power of one half for the smallest effect that the action declared.
It is `improved` or `worse` when p < .05 and the interval leaves out zero that way; fewer false alarms are no
improvement when incidents were lost for them. Everything else is `no_evidence`, or `too_few_data` when the
declared effect could not have been seen.
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

    from .measuring import Measurement

ALPHA = 0.05
MIN_EPISODES = 12
MIN_INCIDENTS = 20
MIN_POWER = 0.5
MAX_RECALL_LOSS = 0.10
Outcome = Verdict.Outcome


@dataclass(frozen=True)
class Judgement:
    """A verdict with everything that it rests on; `better` is whether the effect points the good way."""

    verdict: str
    reason: str
    metric: str
    method: str
    n: int
    excluded: int
    effect: float | None
    low: float | None
    high: float | None
    p: float
    power: float | None
    minimum_detectable_effect: float | None


def judge(measured: Measurement, *, metric: str, smallest_effect: float | None) -> Judgement:
    """The verdict on one measurement."""
    return _JUDGES[Metric(metric)](measured, smallest_effect)


def _false_alarms(measured: Measurement, declared: float | None) -> Judgement:
    ratios = [one.log_ratio for one in measured.series if one.log_ratio]
    gone = paired.episode_ratio(measured.both, measured.only_before, measured.only_after)
    before = measured.both + measured.only_before
    power = None if declared is None else paired.episode_power(before, measured.only_after, declared)
    method = "exact test of the false alarms that only one way has"
    if len(ratios) >= MIN_EPISODES:
        gone, method = _by_series(measured, gone), "sign-flip test over series"
    found = _decide(
        gone,
        enough=gone.n >= MIN_EPISODES,
        lower_is_better=True,
        power=power,
        missing=f"{_counted(gone.n, 'false alarm differs', 'false alarms differ')} between the two ways; at "
        f"least {MIN_EPISODES} are needed to tell",
    )
    judged = Judgement(
        verdict=found[0],
        reason=found[1],
        metric=Metric.FALSE_ALARMS,
        method=method,
        n=gone.n,
        excluded=sum(measured.excluded.values()),
        effect=gone.effect,
        low=gone.low,
        high=gone.high,
        p=gone.p,
        power=power,
        minimum_detectable_effect=gone.smallest,
    )
    return _guarded(judged, measured)


def _by_series(measured: Measurement, gone: paired.Paired) -> paired.Paired:
    """The same question with the series as the block, for as many series as that takes."""
    ratios = [one.log_ratio for one in measured.series]
    mean = stats.t_interval(ratios)
    p = stats.sign_flip_p(ratios)
    return replace(gone, effect=mean.estimate, low=mean.low, high=mean.high, p=p)


def _guarded(judged: Judgement, measured: Measurement) -> Judgement:
    """Silence bought with missed incidents is no improvement."""
    if judged.verdict != Outcome.IMPROVED:
        return judged
    lost, gained, incidents = measured.lost, measured.gained, len(measured.incidents)
    if lost > gained and paired.discordant_p(gained, lost) < ALPHA:
        reason = f"Fewer false alarms, but {lost} incidents are missed now that were caught before"
        return replace(judged, verdict=Outcome.WORSE, reason=reason)
    if incidents and (lost - gained) / incidents > MAX_RECALL_LOSS:
        reason = (
            f"Fewer false alarms, but {lost - gained} of {incidents} incidents are missed for it: more than "
            f"{MAX_RECALL_LOSS:.0%}, which is no improvement"
        )
        return replace(judged, verdict=Outcome.NO_EVIDENCE, reason=reason)
    return judged


def _recall(measured: Measurement, declared: float | None) -> Judgement:
    incidents = len(measured.incidents)
    found = paired.recall_difference(incidents, measured.gained, measured.lost)
    power = None if declared is None else paired.recall_power(incidents, measured.lost, declared)
    verdict, reason = _decide(
        found,
        enough=incidents >= MIN_INCIDENTS,
        lower_is_better=False,
        power=power,
        missing=f"{_counted(incidents, 'incident lies', 'incidents lie')} in the held-out part; at least "
        f"{MIN_INCIDENTS} are needed to tell",
    )
    return Judgement(
        verdict=verdict,
        reason=reason,
        metric=Metric.RECALL,
        method="exact test of the incidents that only one way caught",
        n=found.n,
        excluded=sum(measured.excluded.values()),
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=found.p,
        power=power,
        minimum_detectable_effect=found.smallest,
    )


def _time_to_detect(measured: Measurement, declared: float | None) -> Judgement:
    differences = measured.delay_differences
    found = paired.delay_difference(differences)
    power = None if declared is None else _delay_power(differences, declared)
    verdict, reason = _decide(
        found,
        enough=found.n >= MIN_INCIDENTS,
        lower_is_better=True,
        power=power,
        missing=f"{_counted(found.n, 'held-out incident was', 'held-out incidents were')} caught by either "
        f"way; at least {MIN_INCIDENTS} are needed to tell",
    )
    return Judgement(
        verdict=verdict,
        reason=_MOST_LOST if verdict == Outcome.WORSE and found.effect == math.inf else reason,
        metric=Metric.TIME_TO_DETECT,
        method="sign test of the delays, incident by incident",
        n=found.n,
        excluded=sum(measured.excluded.values()) + len(measured.incidents) - found.n,
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=found.p,
        power=power,
        minimum_detectable_effect=found.smallest,
    )


_MOST_LOST = "Most of the incidents that were caught before are missed now"


def _delay_power(differences: list[float], declared: float) -> float:
    """One half is reached where the effect that is found every second time is no larger than declared."""
    half = paired.delay_smallest(differences, power=MIN_POWER)
    full = paired.delay_smallest(differences)
    if half is None or full is None or declared < half:
        return 0.0
    return paired.TARGET_POWER if declared >= full else MIN_POWER


def _decide(
    found: paired.Paired, *, enough: bool, lower_is_better: bool, power: float | None, missing: str
) -> tuple[str, str]:
    seen = power is not None and power >= MIN_POWER
    if not (enough or seen):
        return Outcome.TOO_FEW_DATA, missing
    below = found.high is not None and found.high < 0
    above = found.low is not None and found.low > 0
    if found.p < ALPHA and (below or above):
        if below == lower_is_better:
            return Outcome.IMPROVED, "The difference is larger than chance explains"
        return Outcome.WORSE, "It moved the wrong way, by more than chance explains"
    if power is not None and not seen:
        return Outcome.TOO_FEW_DATA, (
            f"The difference is within chance, and the declared effect would have been found in only "
            f"{power:.0%} of such measurements"
        )
    return Outcome.NO_EVIDENCE, "There was enough to tell, and the difference is within chance"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


_JUDGES: dict[Metric, Callable[[Measurement, float | None], Judgement]] = {
    Metric.FALSE_ALARMS: _false_alarms,
    Metric.RECALL: _recall,
    Metric.TIME_TO_DETECT: _time_to_detect,
}


def plain(value: object) -> object:
    """What a column can hold: no infinity, no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
