"""Did incidents become shorter? Two groups of durations, open incidents included.

Durations of incidents are log-normal (355 public postmortems: standard deviation of the natural logs 1.23),
so they are compared by the ratio of geometric means. An incident that is still open has lasted *at least* so
long: it is right-censored, never dropped, since the longest are those that are still open.

Sources: interval after B. L. Welch, Biometrika 34 (1947) 28-35, on logs; p by permutation of Welch's t
(`permutation`); with open incidents `logrank`; curve after E. L. Kaplan & P. Meier (1958).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from . import logrank, permutation
from .effects import (
    ALPHA,
    MIN_EACH,
    TOO_FEW_DATA,
    Estimate,
    found_at,
    log_effect,
    power_at,
    quantile,
    reduction,
)

if TYPE_CHECKING:
    from .types import Bools, Floats

SHORTEST_S = 1.0
"""An incident that ended within its first second counts as one second, since zero has no logarithm."""
PAIR = 2

Test = Literal["permutation", "welch_log", "log_rank"]
METHODS: dict[Test, str] = {
    "permutation": "ratio of geometric means, Welch interval on logs, permutation p",
    "welch_log": "ratio of geometric means, Welch's t test on logs",
    "log_rank": "log-rank test, ratio by its inversion; open incidents censored",
}


@dataclass(frozen=True, eq=False)
class Durations:
    """`seconds` (n,) each incident lasted, or has lasted so far where `closed` (n,) is False.

    Raises:
        ValueError: the arrays differ in length, or a duration is negative or no number.
    """

    seconds: Floats
    closed: Bools

    def __post_init__(self) -> None:
        seconds = np.asarray(self.seconds, dtype=np.float64)
        closed = np.asarray(self.closed, dtype=np.bool_)
        if seconds.ndim != 1 or seconds.shape != closed.shape:
            raise ValueError("seconds and closed must be two flat arrays of one length")
        if not bool((np.isfinite(seconds) & (seconds >= 0)).all()):
            raise ValueError("seconds must be finite numbers that are not negative")
        object.__setattr__(self, "seconds", seconds)
        object.__setattr__(self, "closed", closed)

    def __len__(self) -> int:
        return int(self.seconds.size)

    @property
    def logs(self) -> Floats:
        return np.log(np.maximum(self.seconds, SHORTEST_S))

    @property
    def ended(self) -> int:
        return int(np.count_nonzero(self.closed))


def compare(
    before: Durations,
    after: Durations,
    *,
    smallest_effect: float | None,
    alpha: float = ALPHA,
    excluded: int = 0,
    test: Test | None = None,
) -> Estimate:
    """Log ratio of durations, after / before: negative is shorter.

    `smallest_effect`: the share of reduction that was declared, in (0, 1). `test` names what gives p where
    every incident is closed (default: permutation); with an open one it is always the log-rank test.

    Raises:
        ValueError: the smallest effect is out of range.
    """
    declared = None if smallest_effect is None else log_effect(smallest_effect)
    censored = not (bool(before.closed.all()) and bool(after.closed.all()))
    used: Test = "log_rank" if censored else test or "permutation"
    found = Estimate(
        method=METHODS[used],
        n=len(before) + len(after),
        excluded=excluded,
        controls=0,
        effect=None,
        low=None,
        high=None,
        p=None,
        power=None,
        smallest=None,
    )
    if min(before.ended, after.ended) >= PAIR:
        found = (
            _by_log_rank(found, before, after, declared, alpha)
            if used == "log_rank"
            else (_by_welch(found, before, after, declared, alpha, test=used))
        )
    fewest = min(before.ended, after.ended)
    if fewest >= MIN_EACH:
        return found
    return replace(
        found,
        power=None if declared is None else found.power or 0.0,
        verdict_hint=TOO_FEW_DATA,
        reason=f"{before.ended} closed incidents before and {after.ended} after; at least {MIN_EACH} of each "
        "are needed to tell",
    )


def _by_welch(
    found: Estimate, before: Durations, after: Durations, declared: float | None, alpha: float, *, test: Test
) -> Estimate:
    first, second = before.logs, after.logs
    effect = float(second.mean() - first.mean())
    error, freedom = welch(first, second)
    if error == 0:  # nothing varies: no chance can be told from anything else
        return replace(found, effect=effect, p=1.0, power=None if declared is None else 0.0)
    half = quantile(1 - alpha / 2, freedom) * error
    if test == "welch_log":
        p = float(2 * special.stdtr(freedom, -abs(effect) / error))
    else:
        p = permuted(first, second)
    return replace(
        found,
        effect=effect,
        low=effect - half,
        high=effect + half,
        p=p,
        power=None if declared is None else power_at(declared, error, freedom=freedom, alpha=alpha),
        smallest=reduction(found_at(error, freedom=freedom, alpha=alpha)),
    )


def welch(first: Floats, second: Floats) -> tuple[float, float]:
    """Standard error of the difference of two means, and Satterthwaite's degrees of freedom."""
    parts = np.array([first.var(ddof=1) / first.size, second.var(ddof=1) / second.size])
    if parts.sum() <= 1e-18 * max(1.0, float(np.abs(np.concatenate([first, second])).max()) ** 2):
        return 0.0, math.inf
    freedom = parts.sum() ** 2 / (parts**2 / np.array([first.size - 1, second.size - 1])).sum()
    return math.sqrt(float(parts.sum())), float(freedom)


def permuted(first: Floats, second: Floats) -> float:
    """Permutation p of Welch's t; the same whichever group comes first."""
    small, large = sorted((first, second), key=len)
    pooled = np.sort(np.concatenate([small, large]))
    pooled -= pooled.mean()
    sums, squares = float(pooled.sum()), float((pooled**2).sum())
    other = pooled.size - small.size

    def statistic(groups: Floats) -> Floats:
        mine, mine_squares = groups @ pooled, groups @ pooled**2
        rest, rest_squares = sums - mine, squares - mine_squares
        spread = _error2(mine, mine_squares, small.size) + _error2(rest, rest_squares, other)
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = (mine / small.size - rest / other) / np.sqrt(spread)
        return found

    observed = float(small.mean() - large.mean()) / welch(small, large)[0]
    return permutation.p_value(statistic, observed, pooled.size, small.size)


def _error2(total: Floats, squares: Floats, size: int) -> Floats:
    found: Floats = np.maximum(squares - total**2 / size, 0.0) / (size - 1) / size
    return found


def _by_log_rank(
    found: Estimate, before: Durations, after: Durations, declared: float | None, alpha: float
) -> Estimate:
    sides = logrank.Sides(before.logs, before.closed, after.logs, after.closed)
    effect, low, high = logrank.log_ratio(sides, 1 - alpha)
    error = None if low is None or high is None else (high - low) / 2 / quantile(1 - alpha / 2)
    power = None
    if declared is not None:
        power = 0.0 if error is None else power_at(declared, error, alpha=alpha)
    return replace(
        found,
        effect=effect,
        low=low,
        high=high,
        p=logrank.p_value(sides),
        power=power,
        smallest=None if error is None else reduction(found_at(error, alpha=alpha)),
    )


def survival(durations: Durations) -> tuple[Floats, Floats]:
    """Kaplan-Meier: seconds at which incidents ended, and the share that lasted longer. Two (m,) arrays."""
    moments = np.unique(durations.seconds[durations.closed])
    ordered, ends = np.sort(durations.seconds), np.sort(durations.seconds[durations.closed])
    at_risk = ordered.size - np.searchsorted(ordered, moments, side="left")
    ended = np.searchsorted(ends, moments, side="right") - np.searchsorted(ends, moments, side="left")
    lasting = np.cumprod(1 - ended / at_risk, dtype=np.float64)
    return moments, lasting


def median_s(durations: Durations) -> float | None:
    """Seconds after which half of the incidents have ended; None where the curve stays above one half."""
    moments, lasting = survival(durations)
    reached = np.flatnonzero(lasting <= 0.5 + 1e-12)
    return float(moments[reached[0]]) if reached.size else None
