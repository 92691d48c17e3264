"""Two ways of alarming on the same telemetry: which is better, and is there enough to tell?

Both arms see the same samples, so what they share says nothing: only *discordant* events count, those that
one arm has and the other has not. False alarms come in clusters (a bad day brings several), so theirs are
summed over blocks, and only whole blocks are compared.

Sources: sign-flip permutation over blocks (`stats`); log ratio of two counts with 0.5 added, its error by the
delta method from sums over blocks (Liang and Zeger, 1986) with a t quantile; exact test of discordant pairs
after McNemar (1947) with binomial tails; shares after Clopper and Pearson (1934), two of them held jointly by
Bonferroni's inequality; median of paired differences by order statistics (Thompson, 1936). Power is that of
the test as it is used here: simulated for blocks, else exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from . import stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from .types import Bools

ALPHA = 0.05
TARGET_POWER = 0.8
HALF = 0.5
BLOCKS_NEEDED = 12
"""Blocks with a difference below which nothing is concluded."""
POWER_RUNS = 1_000
POWER_SIGNS = 1_999
POWER_MARGIN = 0.02
TIE = 1e-9
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


def block_ratio(blocks: Sequence[tuple[int, int]]) -> Paired:
    """Log ratio (after / before) of the totals of (before, after) counts, one pair for each block.

    Negative is fewer. `n`: blocks in which the two differ. The interval is open (None) for fewer than two
    blocks with an event. `smallest` is left to `block_smallest`, which takes longer.
    """
    before, after = _columns(blocks)
    effects, halves = _log_ratios(before, after[None, :])
    effect, half = float(effects[0]), float(halves[0])
    known = math.isfinite(half)
    return Paired(
        n=int(np.count_nonzero(before != after)),
        effect=effect,
        low=effect - half if known else None,
        high=effect + half if known else None,
        p=stats.sign_flip_p((after - before).tolist()),
        smallest=None,
    )


def block_power(blocks: Sequence[tuple[int, int]], share: float, *, alpha: float = ALPHA) -> float:
    """Chance to find that a `share` of the blocks lost all their false alarms.

    A block goes as a whole, since what made its alarms made all of them: the careful assumption. What moved
    against the observed direction happens besides, as noise. Found means: at least `BLOCKS_NEEDED` blocks
    differ, p < `alpha` and an interval below zero. Simulated with a fixed seed.
    """
    before, after = _columns(blocks)
    if not before.any():
        return 0.0
    gone, new = np.maximum(before - after, 0), np.maximum(after - before, 0)
    noise = new if new.sum() <= gone.sum() else gone
    random = np.random.default_rng(stats.SEED)
    signs = random.integers(0, 2, size=(before.size, POWER_SIGNS)) * 2.0 - 1.0
    vanish = random.uniform(size=(POWER_RUNS, before.size)) < share
    later = np.where(vanish, 0.0, before) + noise
    moved = later - before
    enough = np.count_nonzero(moved, axis=1) >= BLOCKS_NEEDED
    extreme = np.abs(moved @ signs) >= np.abs(moved.sum(axis=1))[:, None] - TIE
    p = (1 + extreme.sum(axis=1)) / (POWER_SIGNS + 1)
    effects, halves = _log_ratios(before, later)
    return float(np.mean(enough & (p < alpha) & (effects + halves < 0)))


def block_smallest(blocks: Sequence[tuple[int, int]], *, alpha: float = ALPHA) -> float | None:
    """The share of blocks that would be found with the target power, with a margin for the simulation."""
    return _search(lambda share: block_power(blocks, share, alpha=alpha), TARGET_POWER + POWER_MARGIN)


def _columns(blocks: Sequence[tuple[int, int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts before and after of the blocks in which anything happened; shape (blocks,)."""
    pairs = np.array([pair for pair in blocks if any(pair)], dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _log_ratios(
    before: NDArray[np.float64], after: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log ratios and half widths of their intervals: `before` (blocks,) against each row of `after`.

    The half event that is added on each side adds its variance, that of half a Poisson count: no certainty
    from zero alarms. Infinite half widths for fewer than two blocks.
    """
    total, totals = before.sum() + HALF, after.sum(axis=1) + HALF
    effects = np.log(totals / total)
    if before.size < 2:  # noqa: PLR2004  # one block has no spread
        return effects, np.full(effects.shape, np.inf)
    parts = before / total - after / totals[:, None]
    variance = (parts**2).sum(axis=1) * before.size / (before.size - 1)
    variance += HALF / total**2 + HALF / totals**2
    quantile = float(special.stdtrit(before.size - 1, 1 - ALPHA / 2))
    return effects, quantile * np.sqrt(variance)


def recall_difference(incidents: int, gained: int, lost: int, *, alpha: float = ALPHA) -> Paired:
    """Difference of the share of incidents detected; the interval covers at least 95 % whatever the truth.

    `alpha`: the p below which it would be found, for `smallest`.
    """
    if incidents == 0:
        return Paired(0, None, None, None, 1.0, None)
    low, high = _difference_interval(incidents, gained, lost)
    return Paired(
        n=incidents,
        effect=(gained - lost) / incidents,
        low=low,
        high=high,
        p=discordant_p(gained, lost),
        smallest=_smallest(_gains_found(incidents, min(gained, lost), alpha)),
    )


def recall_power(incidents: int, lost: int, share: float, *, alpha: float = ALPHA) -> float:
    """Chance to find that `share` of the incidents are gained while `lost` are lost."""
    return _power(_gains_found(incidents, lost, alpha), share)


def _gains_found(incidents: int, lost: int, alpha: float) -> Bools:
    """For 0 to `incidents` gained ones: would test and interval find it? Shape (incidents + 1,)."""

    def found(gained: int) -> bool:
        significant = gained > lost and discordant_p(gained, lost) < alpha
        return significant and _difference_interval(incidents, gained, lost)[0] > 0

    return np.array([found(min(gained, incidents - lost)) for gained in range(incidents + 1)])


def _difference_interval(incidents: int, gained: int, lost: int) -> tuple[float, float]:
    up = share_interval(gained, incidents, ALPHA / 2)
    down = share_interval(lost, incidents, ALPHA / 2)
    return up[0] - down[1], up[1] - down[0]


def delay_difference(differences: Sequence[float], *, alpha: float = ALPHA) -> Paired:
    """Median of after - before in seconds, by incident; -inf: only the second arm saw it, +inf: the first.

    The test is the sign test; the interval holds the median of all, ties included.
    `smallest` supposes normal differences.
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
        smallest=delay_smallest(differences, alpha=alpha) or None,
    )


def delay_smallest(
    differences: Sequence[float], power: float = TARGET_POWER, *, alpha: float = ALPHA
) -> float | None:
    """Seconds that would be found with `power`; None for fewer than six, which no sign test can judge.

    Exact for normal differences: how many must be of one sign, how likely each must be for that, and how far
    they must be moved to be so likely. Zero where all differences are equal: then any shift of all of them
    would be found.
    """
    finite = np.array([d for d in differences if math.isfinite(d)])
    share = _share_of_one_sign(finite.size, power, alpha)
    return None if share is None else float(special.ndtri(share)) * float(finite.std(ddof=1))


@lru_cache(maxsize=1024)
def _share_of_one_sign(n: int, power: float, alpha: float) -> float | None:
    """How likely one sign must be for the sign test of `n` differences to have this power; None: never."""
    fewest = next((k for k in range(n // 2 + 1, n + 1) if discordant_p(n - k, k) < alpha), None)
    if fewest is None:
        return None
    return float(special.betaincinv(fewest, n - fewest + 1, power))


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
    return _search(lambda share: _power(found, share), TARGET_POWER)


def _search(power: Callable[[float], float], target: float) -> float | None:
    """Smallest share in steps of 1 % at which `power`, which rises with it, reaches the target."""
    if power(1.0) < target:
        return None
    low, high = 0, STEPS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle / (STEPS + 1)) >= target else (middle, high)
    return high / (STEPS + 1)
