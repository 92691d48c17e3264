"""Did incidents become milder? Ordered severities of two groups, 1 the worst.

Severities are ranks: the distance from 1 to 2 is not that from 3 to 4, so no mean is taken. The effect is how
much more often an incident after is more severe than one before, than the other way round.

Sources: test and interval after E. Brunner & U. Munzel, Biometrical Journal 42 (2000) 17-25, which bears ties
and unequal spread; its permutation p after K. Neubert & E. Brunner, Computational Statistics & Data Analysis
51 (2007) 5192-5204; interval where the groups do not overlap after R. G. Newcombe, Statistics in Medicine 25
(2006) 559-573, method 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from . import permutation
from .effects import ALPHA, MIN_EACH, TOO_FEW_DATA, Estimate, found_at, power_at, quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Floats, Ints

METHOD = "share of pairs more severe less share milder, Brunner-Munzel interval, permutation p"
PAIR = 2
HALVINGS = 60
TINY = 1e-15
"""A variance that is rounding."""


def shift(
    before: Sequence[int],
    after: Sequence[int],
    *,
    smallest_effect: float | None,
    alpha: float = ALPHA,
    excluded: int = 0,
) -> Estimate:
    """Share of (before, after) pairs of which the incident after is more severe, less the share of the
    milder: -1 to 1, negative is milder. Severities are whole numbers, 1 the worst.

    Raises:
        ValueError: a severity is no whole number from 1, or the smallest effect is not in (0, 1).
    """
    first, second = _ranks(before, "before"), _ranks(after, "after")
    if smallest_effect is not None and not 0 < smallest_effect < 1:
        raise ValueError("smallest_effect must be a difference of shares between 0 and 1, both left out")
    found = Estimate(
        method=METHOD,
        n=first.size + second.size,
        excluded=excluded,
        controls=0,
        effect=None,
        low=None,
        high=None,
        p=None,
        power=None if smallest_effect is None else 0.0,
        smallest=None,
    )
    if min(first.size, second.size) >= PAIR:
        found = _compared(found, first, second, smallest_effect, alpha)
    if min(first.size, second.size) >= MIN_EACH:
        return found
    reason = f"{first.size} incidents before and {second.size} after; at least {MIN_EACH} of each are needed"
    return replace(found, verdict_hint=TOO_FEW_DATA, reason=f"{reason} to tell")


def _ranks(severities: Sequence[int], name: str) -> Ints:
    values = np.asarray(severities, dtype=np.float64)
    if not bool((np.isfinite(values) & (values >= 1) & (values == np.floor(values))).all()):
        raise ValueError(f"{name} must hold whole numbers from 1, the worst")
    return values.astype(np.int64)


def _compared(found: Estimate, first: Ints, second: Ints, declared: float | None, alpha: float) -> Estimate:
    levels = np.unique(np.concatenate([first, second]))
    tables = [(group[:, None] == levels).sum(axis=0)[None, :].astype(float) for group in (first, second)]
    one = _dominance(*tables)
    effect, error, freedom = float(one.effect[0]), float(one.error[0]), float(one.freedom[0])
    if error > 0:
        half = quantile(1 - alpha / 2, freedom) * error
        low, high = max(-1.0, effect - half), min(1.0, effect + half)
        p = _permuted(first, second, effect / error)
    elif effect == 0:  # all alike
        return replace(found, effect=0.0, p=1.0)
    else:
        low, high = _apart(effect, first.size, second.size, alpha)
        error, freedom = (high - low) / 2 / quantile(1 - alpha / 2), math.inf
        p = _permuted(first, second, math.inf)
    smallest = found_at(error, freedom=freedom, alpha=alpha)
    return replace(
        found,
        effect=effect,
        low=low,
        high=high,
        p=p,
        power=None if declared is None else power_at(declared, error, freedom=freedom, alpha=alpha),
        smallest=smallest if smallest < 1 else None,
    )


@dataclass(frozen=True)
class _Dominance:
    """Effect, its standard error and Satterthwaite's degrees of freedom; each (draws,)."""

    effect: Floats
    error: Floats
    freedom: Floats


def _dominance(first: Floats, second: Floats) -> _Dominance:
    """Of how often each level occurs in either group: (draws, levels), the worst level first."""
    sizes = float(first[0].sum()), float(second[0].sum())
    above_second = _lead(first) / sizes[0]  # of an incident after: share of those before that it outranks
    above_first = _lead(second) / sizes[1]
    effect = (second * above_second).sum(axis=1) / sizes[1]
    parts = [
        ((group * lead**2).sum(axis=1) - (group * lead).sum(axis=1) ** 2 / size) / (size - 1) / size
        for group, lead, size in ((first, above_first, sizes[0]), (second, above_second, sizes[1]))
    ]
    one, two = (np.where(part > TINY, part, 0.0) for part in parts)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (one + two) ** 2 / (one**2 / (sizes[0] - 1) + two**2 / (sizes[1] - 1))
    return _Dominance(effect, np.sqrt(one + two), freedom)


def _lead(counts: Floats) -> Floats:
    """For each level: how many of `counts` are milder, less how many are more severe."""
    up_to = np.cumsum(counts, axis=1)
    milder, worse = up_to[:, -1:] - up_to, up_to - counts
    found: Floats = milder - worse
    return found


def _permuted(first: Ints, second: Ints, observed: float) -> float:
    """Permutation p of effect / error; the same whichever group comes first."""
    small, large = sorted((first, second), key=len)
    pooled = np.sort(np.concatenate([small, large]))
    one_hot = (pooled[:, None] == np.unique(pooled)).astype(np.float64)
    everything = one_hot.sum(axis=0)

    def statistic(groups: Floats) -> Floats:
        mine = groups @ one_hot
        found = _dominance(mine, everything - mine)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio: Floats = found.effect / found.error
        return np.where(np.isnan(ratio), 0.0, ratio)  # no effect and no spread

    return permutation.p_value(statistic, observed, pooled.size, small.size)


def _apart(effect: float, first: int, second: int, alpha: float) -> tuple[float, float]:
    """Newcombe's method 5 for groups that do not overlap: spread is that of the bound, not of the point."""
    reach = quantile(1 - alpha / 2)
    half = (first + second) / 2 - 1

    def too_far(theta: float) -> bool:
        pairs = 1 + half * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return 1 - theta > reach * math.sqrt(theta * (1 - theta) * pairs / (first * second))

    low, high = 0.5, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_far(middle) else (low, middle)
    bound = 2 * low - 1
    return (bound, 1.0) if effect > 0 else (-1.0, -bound)
