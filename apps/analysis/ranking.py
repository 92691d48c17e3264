"""How well a ranking puts what matters first, and whether one ranking does so better than another.

Average precision is the area under the precision-recall curve by steps (no interpolation: Davis & Goadrich,
ICML 2006); items of one score count together. Two rankings of the same items are compared by the jackknife
over blocks, since items of one service are alike: each block is left out once, and the pseudo-values give a
t interval (Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 11).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .stats import t_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .types import Bools, Floats

FEWEST_BLOCKS = 12
FEWEST_POSITIVES = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """Average precision of `first` and `second`, and first minus second with its 95 % interval by blocks.

    `verdict`: improved, worse, no_evidence or too_few_data (below 12 blocks or 20 positives, or a side of
    only one kind); figures are None where there is nothing to reckon with.
    """

    verdict: str
    first: float | None
    second: float | None
    difference: float | None
    low: float | None
    high: float | None
    blocks: int
    n: int
    positives: int


def average_precision(labels: Bools, scores: Floats) -> float | None:
    """Average precision of `scores` (n,), higher first, for `labels` (n,); None without a positive.

    Raises:
        ValueError: not one finite score for each label.
    """
    if labels.shape != scores.shape or not bool(np.isfinite(scores).all()):
        raise ValueError("a finite score for each label is needed")
    positives = int(labels.sum())
    if positives == 0:
        return None
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order])
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # of each group of equal scores
    precision = hits[last] / (last + 1)
    gained = np.diff(hits[last], prepend=0)
    return float((precision * gained).sum() / positives)


def compare(labels: Bools, first: Floats, second: Floats, blocks: NDArray[np.str_]) -> Comparison:
    """Whether `first` ranks better than `second`: scores (n,) of the same items, by `blocks` (n,).

    Raises:
        ValueError: arrays of different lengths, or a score that is not finite.
    """
    if not labels.shape == first.shape == second.shape == blocks.shape:
        raise ValueError("labels, scores and blocks of the same items are needed")
    one, other = average_precision(labels, first), average_precision(labels, second)
    names, places = np.unique(blocks, return_inverse=True)
    n, positives = labels.size, int(labels.sum())
    if one is None or other is None:
        return Comparison("too_few_data", None, None, None, None, None, names.size, n, positives)
    whole = one - other
    if names.size < FEWEST_BLOCKS or positives < FEWEST_POSITIVES or positives == n:
        return Comparison("too_few_data", one, other, whole, None, None, names.size, n, positives)
    pseudo = [
        names.size * whole - (names.size - 1) * _difference(labels, first, second, places != block)
        for block in range(names.size)
    ]
    interval = t_interval(pseudo)
    low, high = interval.low, interval.high
    verdict = "no_evidence"
    if low is not None and high is not None and (low > 0 or high < 0):
        verdict = "improved" if low > 0 else "worse"
    return Comparison(verdict, one, other, whole, low, high, names.size, n, positives)


def _difference(labels: Bools, first: Floats, second: Floats, kept: Bools) -> float:
    one = average_precision(labels[kept], first[kept])
    other = average_precision(labels[kept], second[kept])
    return 0.0 if one is None or other is None else one - other
