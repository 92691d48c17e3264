"""Who contributed how much to a difference that several made together: Shapley values.

The contribution of a player is what adding it changes, as a mean over every order in which the players could
have been added: no order is preferred, contributions sum to the whole difference, players that do the same
get the same, and one that changes nothing gets nothing. Up to `EXACT_UP_TO` players every coalition is
weighed; beyond that, orders are drawn with a fixed seed in antithetic pairs (an order and its reverse).
Whatever is drawn, the sum stays exact, since each order adds up to the whole by itself.

Sources: L. S. Shapley, "A value for n-person games" (1953); J. Castro, D. Gómez, J. Tejada, "Polynomial
calculation of the Shapley value based on sampling", Computers & Operations Research 36 (2009) 1726-1730;
antithetic orders: R. Mitchell, J. Cooper, E. Frank, G. Holmes, JMLR 23 (2022) 43.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import special

from .stats import CONFIDENCE, SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .types import Floats

EXACT_UP_TO = 10
POWER_MARGIN = 0.04
PAIRS = 256
"""Pairs of orders that are drawn where there are more players."""

Worth: TypeAlias = Callable[[frozenset[int]], float]


@dataclass(frozen=True)
class Share:
    """The contribution of one player. `half`: half width of the interval of the draws, 0 if all was weighed.

    That is the error of sampling orders alone and says nothing of how the data would vary: see `over_blocks`.
    """

    value: float
    half: float


def shares(players: Iterable[int], worth: Worth, *, pairs: int = PAIRS, seed: int = SEED) -> dict[int, Share]:
    """The Shapley value of each player; they sum to worth(all) - worth(none) but for rounding.

    `worth` gives the value of a coalition, and is asked once for each. The order of `players` has no say.
    """
    ordered = sorted(set(players))
    known: dict[frozenset[int], float] = {}

    def asked(coalition: frozenset[int]) -> float:
        if coalition not in known:
            known[coalition] = float(worth(coalition))
        return known[coalition]

    if len(ordered) <= EXACT_UP_TO:
        return _exact(ordered, asked)
    return _sampled(ordered, asked, pairs, seed)


def _exact(players: Sequence[int], worth: Worth) -> dict[int, Share]:
    n = len(players)
    weights = [1.0 / (n * math.comb(n - 1, size)) for size in range(n)]
    found = {}
    for player in players:
        others = [other for other in players if other != player]
        found[player] = math.fsum(
            weights[size] * (worth(before | {player}) - worth(before))
            for size in range(n)
            for before in map(frozenset, combinations(others, size))
        )
    return {player: Share(value, 0.0) for player, value in found.items()}


def _sampled(players: Sequence[int], worth: Worth, pairs: int, seed: int) -> dict[int, Share]:
    random = np.random.default_rng(seed)
    gains = np.zeros((pairs, len(players)))  # mean gain of a pair of orders, by player
    for number in range(pairs):
        order = random.permutation(len(players)).tolist()
        gains[number] = (_gains(players, worth, order) + _gains(players, worth, order[::-1])) / 2
    means = gains.mean(axis=0)
    quantile = float(special.stdtrit(pairs - 1, (1 + CONFIDENCE) / 2))
    halves = quantile * gains.std(axis=0, ddof=1) / math.sqrt(pairs)
    return {
        player: Share(float(mean), float(half))
        for player, mean, half in zip(players, means, halves, strict=True)
    }


def _gains(players: Sequence[int], worth: Worth, order: Sequence[int]) -> Floats:
    """What each player adds in one order, by position in `players`."""
    found = np.zeros(len(players))
    before: frozenset[int] = frozenset()
    for position in order:
        after = before | {players[position]}
        found[position] = worth(after) - worth(before)
        before = after
    return found


def over_blocks(parts: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Interval of the sum of `parts`, one for each block (a service): the sum over as many like these.

    Student-t on the mean of the parts; None for fewer than two blocks, whose spread nobody knows.
    """
    n = len(parts)
    if n < 2:  # noqa: PLR2004  # one block has no spread
        return None
    sample = np.asarray(parts, dtype=np.float64)
    quantile = float(special.stdtrit(n - 1, (1 + confidence) / 2))
    half = quantile * float(sample.std(ddof=1)) * math.sqrt(n)
    total = math.fsum(parts)
    return total - half, total + half


def smallest_over_blocks(
    parts: Sequence[float], *, power: float = 0.8, confidence: float = CONFIDENCE
) -> float | None:
    """The sum that would be found with `power` if the parts spread as these do; None for fewer than two.

    By t quantiles of test and power, with four points of power to spare: the spread is estimated from few
    blocks, and without the margin simulations found it in 78 % only.
    """
    n = len(parts)
    if n < 2:  # noqa: PLR2004  # one block has no spread
        return None
    quantiles = float(
        special.stdtrit(n - 1, (1 + confidence) / 2) + special.stdtrit(n - 1, power + POWER_MARGIN)
    )
    return quantiles * float(np.std(np.asarray(parts, dtype=np.float64), ddof=1)) * math.sqrt(n)
