"""How far raters agree: intraclass correlations of Shrout and Fleiss, with n and an interval.

Source: P. E. Shrout, J. L. Fleiss, "Intraclass correlations: uses in assessing rater reliability",
Psychological Bulletin 86 (1979) 420-428. Intervals: the same paper for ICC(2,1), with the correction of
K. O. McGraw, S. P. Wong, Psychological Methods 1 (1996) 30-46.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Floats

AT_LEAST = 2  # targets, and raters


@dataclass(frozen=True)
class Agreement:
    """An intraclass correlation over `n` targets and `raters` raters.

    `value` is None where it is not defined, and `reason` says why. `low` and `high` bound it at the given
    level; None where the interval is not defined.
    """

    n: int
    raters: int
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Squares:
    """Mean squares of a two-way table: between targets, between raters, what is left; and within targets."""

    n: int
    k: int
    targets: float
    raters: float
    error: float
    within: float


def absolute(ratings: Sequence[Sequence[float]] | Floats, *, level: float = 0.95) -> Agreement:
    """ICC(2,1): the same raters rate every target; would another rater have given the same mark?

    `ratings` has one row a target and one column a rater.
    """
    table, refused = _table(ratings)
    if refused is not None:
        return refused
    squares = _squares(table)
    n, k = squares.n, squares.k
    spread = squares.targets + (k - 1) * squares.error + k * (squares.raters - squares.error) / n
    if _nothing(spread, table):
        return Agreement(n, k, None, reason="Everybody gave every target the same mark.")
    value = (squares.targets - squares.error) / spread
    low, high = _absolute_interval(squares, value, level)
    return Agreement(n, k, value, low, high)


def one_way(ratings: Sequence[Sequence[float]] | Floats, *, level: float = 0.95) -> Agreement:
    """ICC(1,1): each target has raters of its own, as many for each; how alike are marks of one target?"""
    table, refused = _table(ratings)
    if refused is not None:
        return refused
    squares = _squares(table)
    n, k = squares.n, squares.k
    spread = squares.targets + (k - 1) * squares.within
    if _nothing(spread, table):
        return Agreement(n, k, None, reason="Everybody gave every target the same mark.")
    value = (squares.targets - squares.within) / spread
    if _nothing(squares.within, table):
        return Agreement(n, k, value, value, value)
    ratio, tail = squares.targets / squares.within, (1 + level) / 2
    below = ratio / stats.f.ppf(tail, n - 1, n * (k - 1))
    above = ratio * stats.f.ppf(tail, n * (k - 1), n - 1)
    return Agreement(n, k, value, float((below - 1) / (below + k - 1)), float((above - 1) / (above + k - 1)))


def _table(ratings: Sequence[Sequence[float]] | Floats) -> tuple[Floats, Agreement | None]:
    """The ratings as an array, and the answer where there are too few of them.

    Raises:
        ValueError: not a table, or a mark that is no number.
    """
    table = np.asarray(ratings, dtype=np.float64)
    if table.size == 0:
        return table, Agreement(0, 0, None, reason="Nobody has rated.")
    if table.ndim != AT_LEAST or not np.isfinite(table).all():
        raise ValueError("ratings are a table of numbers: a row for each target, a column for each rater")
    n, k = table.shape
    if k < AT_LEAST:
        return table, Agreement(n, k, None, reason="One person has rated: agreement needs two.")
    if n < AT_LEAST:
        return table, Agreement(n, k, None, reason="One target: agreement needs two.")
    return table, None


def _squares(table: Floats) -> _Squares:
    n, k = table.shape
    centred = table - table.mean()
    by_target, by_rater = centred.mean(axis=1), centred.mean(axis=0)
    left = centred - by_target[:, None] - by_rater[None, :]
    within = centred - by_target[:, None]
    return _Squares(
        n=n,
        k=k,
        targets=float(k * (by_target**2).sum() / (n - 1)),
        raters=float(n * (by_rater**2).sum() / (k - 1)),
        error=float((left**2).sum() / ((n - 1) * (k - 1))),
        within=float((within**2).sum() / (n * (k - 1))),
    )


def _nothing(value: float, table: Floats) -> bool:
    """Is it zero but for rounding?"""
    return bool(abs(value) <= np.finfo(np.float64).eps * max(1.0, float((table**2).sum())))


def _absolute_interval(squares: _Squares, value: float, level: float) -> tuple[float | None, float | None]:
    n, k = squares.n, squares.k
    if squares.error <= np.finfo(np.float64).eps or value in (0.0, 1.0):
        return None, None
    ratio = squares.raters / squares.error
    common = n * (1 + (k - 1) * value) - k * value
    freedom = ((k - 1) * (n - 1) * (k * value * ratio + common) ** 2) / (
        (n - 1) * k**2 * value**2 * ratio**2 + common**2
    )
    upper = stats.f.ppf((1 + level) / 2, n - 1, freedom)
    lower = stats.f.ppf((1 + level) / 2, freedom, n - 1)
    rest = k * squares.raters + (k * n - k - n) * squares.error
    low = n * (squares.targets - upper * squares.error) / (upper * rest + n * squares.targets)
    high = n * (lower * squares.targets - squares.error) / (rest + n * lower * squares.targets)
    return (float(low), float(high)) if np.isfinite([low, high]).all() else (None, None)
