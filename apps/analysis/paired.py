"""Two ways of alarming on the same telemetry: which is better, and is there enough to tell?

Both arms see the same samples, so what they share says nothing: only *discordant* events count, those that
one arm has and the other has not.

Sources: exact test of discordant pairs after McNemar (1947) with binomial tails; shares after Clopper and
Pearson (1934), two of them held jointly by Bonferroni's inequality; log ratio of two overlapping Poisson
counts by the delta method with 0.5 added (Bonett and Price (2006) do so for paired proportions); median of
paired differences by order statistics (Thompson, 1936). Power is exact for the test as it is used here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Bools

ALPHA = 0.05
TARGET_POWER = 0.8
HALF = 0.5
STEPS = 99
"""Effects that the search for the smallest detectable one tries: 1 % to 99 %, then all."""


@dataclass(frozen=True)
class Paired:
    """An effect with its interval, the p of "no difference", and what would have been found.

    All three are None without any event, and may be infinite for delays. `n`: events that bear on the
    question. `smallest`: the effect that would be found with a power of 80 %; None where not even the largest
    would, or where nothing varies.
    """

    n: int
    effect: float | None
    low: float | None
    high: float | None
    p: float
    smallest: float | None


def discordant_p(first: int, second: int) -> float:
    """Two-sided exact p of `first` against `second` discordant events: twice the smaller tail, at most 1."""
    total = first + second
    if total == 0:
        return 1.0
    return min(1.0, 2.0 * float(special.bdtr(min(first, second), total, 0.5)))


def share_interval(successes: int, trials: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Clopper-Pearson: covers the true share with at least 1 - alpha. (0, 1) without trials."""
    low = float(special.betaincinv(successes, trials - successes + 1, alpha / 2)) if successes else 0.0
    high = (
        float(special.betaincinv(successes + 1, trials - successes, 1 - alpha / 2))
        if successes < trials
        else 1.0
    )
    return low, high


def episode_ratio(both: int, only_before: int, only_after: int) -> Paired:
    """Log ratio (after / before) of false-alarm episodes: `both` arms have some, one arm alone the others.

    Negative is fewer. `n` counts the discordant ones. Conclusions hold for the series that were replayed.
    """
    before, after = both + only_before + HALF, both + only_after + HALF
    effect = math.log(after / before)
    # Half an event more on either side alone: no certainty from zero discordant ones.
    spread = math.sqrt((only_before + only_after + 2 * HALF) / (before * after))
    half = float(special.ndtri(1 - ALPHA / 2)) * spread
    return Paired(
        n=only_before + only_after,
        effect=effect,
        low=effect - half,
        high=effect + half,
        p=discordant_p(only_before, only_after),
        smallest=_smallest(_episodes_found(both + only_before, only_after)),
    )


def episode_power(before: int, new: int, share: float) -> float:
    """Chance to find that `share` of `before` episodes are gone while `new` ones came, by the exact test."""
    return _power(_episodes_found(before, new), share)


def _episodes_found(before: int, new: int) -> Bools:
    """For 0 to `before` episodes that are gone: would the test find it? Shape (before + 1,)."""
    return np.array([gone > new and discordant_p(gone, new) < ALPHA for gone in range(before + 1)])


def recall_difference(incidents: int, gained: int, lost: int) -> Paired:
    """Difference of the share of incidents detected; the interval covers at least 95 % whatever the truth."""
    if incidents == 0:
        return Paired(0, None, None, None, 1.0, None)
    low, high = _difference_interval(incidents, gained, lost)
    return Paired(
        n=incidents,
        effect=(gained - lost) / incidents,
        low=low,
        high=high,
        p=discordant_p(gained, lost),
        smallest=_smallest(_gains_found(incidents, lost)),
    )


def recall_power(incidents: int, lost: int, share: float) -> float:
    """Chance to find that `share` of the incidents are gained while `lost` are lost."""
    return _power(_gains_found(incidents, lost), share)


def _gains_found(incidents: int, lost: int) -> Bools:
    """For 0 to `incidents` gained ones: would test and interval find it? Shape (incidents + 1,)."""

    def found(gained: int) -> bool:
        significant = gained > lost and discordant_p(gained, lost) < ALPHA
        return significant and _difference_interval(incidents, gained, lost)[0] > 0

    return np.array([found(min(gained, incidents - lost)) for gained in range(incidents + 1)])


def _difference_interval(incidents: int, gained: int, lost: int) -> tuple[float, float]:
    up = share_interval(gained, incidents, ALPHA / 2)
    down = share_interval(lost, incidents, ALPHA / 2)
    return up[0] - down[1], up[1] - down[0]


def delay_difference(differences: Sequence[float]) -> Paired:
    """Median of after - before in seconds, by incident; -inf: only the second arm saw it, +inf: the first.

    The test is the sign test; the interval holds the median of all, ties included.
    `smallest` supposes normal differences, of which the sign test sees about two thirds.
    """
    n = len(differences)
    if n == 0:
        return Paired(0, None, None, None, 1.0, None)
    ordered = sorted(differences)
    rank = _median_rank(n)
    low, high = (ordered[rank - 1], ordered[n - rank]) if rank else (-math.inf, math.inf)
    return Paired(
        n=n,
        effect=_middle(ordered),
        low=low,
        high=high,
        p=discordant_p(sum(d < 0 for d in differences), sum(d > 0 for d in differences)),
        smallest=delay_smallest(differences) or None,
    )


def delay_smallest(differences: Sequence[float], power: float = TARGET_POWER) -> float | None:
    """Seconds that would be found with `power`; None for fewer than six, which no sign test can judge.

    Zero where all differences are equal: then any shift of all of them would be found.
    """
    finite = np.array([d for d in differences if math.isfinite(d)])
    if len(differences) < SIGN_TEST_NEEDS or finite.size < SIGN_TEST_NEEDS:
        return None
    quantiles = float(special.ndtri(1 - ALPHA / 2) + special.ndtri(power))
    return quantiles * float(finite.std(ddof=1)) * math.sqrt(math.pi / 2 / finite.size)


SIGN_TEST_NEEDS = 6
"""Differences without which no sign test falls below 5 %."""


def _median_rank(n: int) -> int:
    """Largest k for which the k-th smallest and k-th largest value hold the median with 95 %; 0 for none."""
    rank = 0
    while special.bdtr(rank, n, 0.5) <= ALPHA / 2:
        rank += 1
    return rank


def _middle(ordered: Sequence[float]) -> float:
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if low == high or not math.isinf(low - high):
        return low if low == high else (low + high) / 2
    return (
        0.0 if math.isinf(low) and math.isinf(high) else low + high
    )  # as many lost as gained: nothing moved


def _power(found: Bools, share: float) -> float:
    """Chance that a binomial number of events, each with chance `share`, is one that is `found`."""
    trials = found.size - 1
    numbers = np.arange(trials + 1)
    chances = np.exp(
        special.gammaln(trials + 1)
        - special.gammaln(numbers + 1)
        - special.gammaln(trials - numbers + 1)
        + special.xlogy(numbers, share)
        + special.xlog1py(trials - numbers, -share)
    )
    return min(1.0, float(chances[found].sum()))


def _smallest(found: Bools) -> float | None:
    """Smallest share in steps of 1 % that is found with the target power."""
    if _power(found, 1.0) < TARGET_POWER:
        return None
    low, high = 0, STEPS + 1
    while high - low > 1:  # power rises with the share
        middle = (low + high) // 2
        low, high = (low, middle) if _power(found, middle / (STEPS + 1)) >= TARGET_POWER else (middle, high)
    return high / (STEPS + 1)
