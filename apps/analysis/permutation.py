"""Random divisions of pooled values into two groups, the same at every call.

A permutation test is exact where both groups come from one distribution; with a statistic that is divided by
its standard error it also keeps its level where only the compared quantity is equal (A. Janssen, Statistics &
Probability Letters 36 (1997) 9-21; E. Chung, J. P. Romano, Annals of Statistics 41 (2013) 484-507). The p of
draws counts the observed division too (Phipson & Smyth, 2010).
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from .stats import DRAWS, SEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .types import Floats

KEPT = 2_000_000
"""Elements of a table of divisions that is kept for the next call, and of a block of a larger one."""
TIE = 1e-9


def p_value(statistic: Callable[[Floats], Floats], observed: float, size: int, chosen: int) -> float:
    """Two-sided p of `observed`: how often a division of `size` values, `chosen` of them in the first group,
    gives a statistic as far from zero.

    `statistic` takes divisions (draws, size), 1.0 for the first group and 0.0 for the other, and returns one
    value each; NaN (nothing varies) counts as far. Exact where there are at most 9,999 divisions.
    """
    limit = abs(observed) * (1 - TIE)
    exact = math.comb(size, chosen) <= DRAWS
    far = total = 0
    for block in _divisions(size, chosen, exact=exact):
        found = np.abs(statistic(block))
        far += int(np.count_nonzero(~(found < limit)))
        total += block.shape[0]
    return far / total if exact else (far + 1) / (total + 1)


def _divisions(size: int, chosen: int, *, exact: bool) -> Iterator[Floats]:
    if exact:
        yield _every(size, chosen)
    elif size * DRAWS <= KEPT:
        yield _kept(size, chosen, DRAWS)
    else:
        random = np.random.default_rng(SEED)
        rows = max(1, KEPT // size)
        for start in range(0, DRAWS, rows):
            yield _drawn(random, size, chosen, min(rows, DRAWS - start))


@lru_cache(maxsize=4)
def _every(size: int, chosen: int) -> Floats:
    groups = np.array(list(combinations(range(size), chosen)), dtype=np.int64).reshape(-1, chosen)
    table = np.zeros((groups.shape[0], size))
    np.put_along_axis(table, groups, 1.0, axis=1)
    return table


@lru_cache(maxsize=4)
def _kept(size: int, chosen: int, draws: int) -> Floats:
    return _drawn(np.random.default_rng(SEED), size, chosen, draws)


def _drawn(random: np.random.Generator, size: int, chosen: int, draws: int) -> Floats:
    table = np.zeros((draws, size))
    table[:, :chosen] = 1.0
    return random.permuted(table, axis=1)
