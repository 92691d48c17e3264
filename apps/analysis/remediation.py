"""Does automation settle incidents more often? Shares of success before and after, over two denominators.

Attempts alone flatter whoever attempts only what is easy, and eligible incidents alone hide an automation
that works where it is tried: both are shown, and the verdict rests on the eligible ones.

Sources: share after E. B. Wilson (1927); difference after R. G. Newcombe, Statistics in Medicine 17 (1998)
873-890, method 10; test after I. Campbell, Statistics in Medicine 26 (2007) 3661-3675: "N - 1" chi-squared,
and Fisher's exact test where an expected count is below 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from scipy import special
from scipy import stats as scipy_stats

from . import stats
from .effects import ALPHA, MIN_EACH, TOO_FEW_DATA, Estimate, found_at, power_at

Denominator = Literal["eligible", "attempted"]
METHOD = "difference of shares, Newcombe interval, N - 1 chi-squared p"
METHOD_EXACT = "difference of shares, Newcombe interval, Fisher's exact p"


@dataclass(frozen=True)
class Tries:
    """Incidents that automation could have settled, tried to settle, and settled.

    Raises:
        ValueError: a count is no whole number from zero, or one exceeds the one before it.
    """

    eligible: int
    attempted: int
    succeeded: int

    def __post_init__(self) -> None:
        for name in ("eligible", "attempted", "succeeded"):
            count = getattr(self, name)
            if not (math.isfinite(count) and count >= 0 and count == int(count)):
                raise ValueError(f"{name} must be a whole number that is not negative")
        if not self.succeeded <= self.attempted <= self.eligible:
            raise ValueError("succeeded must not exceed attempted, nor attempted eligible")

    def trials(self, denominator: Denominator) -> int:
        return self.eligible if denominator == "eligible" else self.attempted


def share(tries: Tries, denominator: Denominator) -> stats.Estimate:
    """Share of success with its Wilson interval."""
    return stats.wilson(tries.succeeded, tries.trials(denominator))


def compare(
    before: Tries,
    after: Tries,
    *,
    smallest_effect: float | None,
    alpha: float = ALPHA,
    excluded: int = 0,
    denominator: Denominator = "eligible",
) -> Estimate:
    """Difference after - before of the share of success: positive is better.

    Raises:
        ValueError: the smallest effect, a difference of shares, is not in (0, 1).
    """
    if smallest_effect is not None and not 0 < smallest_effect < 1:
        raise ValueError("smallest_effect must be a difference of shares between 0 and 1, both left out")
    sides = [(one.succeeded, one.trials(denominator)) for one in (before, after)]
    trials = [n for _, n in sides]
    found = Estimate(
        method=METHOD,
        n=sum(trials),
        excluded=excluded,
        controls=0,
        effect=None,
        low=None,
        high=None,
        p=None,
        power=None if smallest_effect is None else 0.0,
        smallest=None,
    )
    if min(trials) > 0:
        found = _compared(found, sides, smallest_effect, alpha)
    if min(trials) >= MIN_EACH:
        return found
    reason = f"{trials[0]} {denominator} before and {trials[1]} after; at least {MIN_EACH} of each are needed"
    return replace(found, verdict_hint=TOO_FEW_DATA, reason=f"{reason} to tell")


def _compared(
    found: Estimate, sides: list[tuple[int, int]], declared: float | None, alpha: float
) -> Estimate:
    (k0, n0), (k1, n1) = sides
    low, high = newcombe(k0, n0, k1, n1, alpha)
    p, exact = chi_squared_p(k0, n0, k1, n1)
    error = _error(k0, n0, k1, n1)
    smallest = found_at(error, alpha=alpha)
    return replace(
        found,
        method=METHOD_EXACT if exact else METHOD,
        effect=k1 / n1 - k0 / n0,
        low=low,
        high=high,
        p=p,
        power=None if declared is None else power_at(declared, error, alpha=alpha),
        smallest=smallest if smallest < 1 else None,
    )


def newcombe(k0: int, n0: int, k1: int, n1: int, alpha: float = ALPHA) -> tuple[float, float]:
    """Interval of k1 / n1 - k0 / n0 from the Wilson intervals of both."""
    first, second = _wilson(k0, n0, alpha), _wilson(k1, n1, alpha)
    p0, p1 = k0 / n0, k1 / n1
    low = p1 - p0 - math.hypot(p1 - second[0], first[1] - p0)
    high = p1 - p0 + math.hypot(second[1] - p1, p0 - first[0])
    return low, high


def _wilson(k: int, n: int, alpha: float) -> tuple[float, float]:
    found = stats.wilson(k, n, 1 - alpha)
    return (0.0 if found.low is None else found.low), (1.0 if found.high is None else found.high)


def chi_squared_p(k0: int, n0: int, k1: int, n1: int) -> tuple[float, bool]:
    """Two-sided p of "both shares are one", and whether it is the exact one."""
    total, hits = n0 + n1, k0 + k1
    if hits in {0, total}:
        return 1.0, True
    if min(n0, n1) * min(hits, total - hits) < total:
        table = [[k0, n0 - k0], [k1, n1 - k1]]
        return min(1.0, float(scipy_stats.fisher_exact(table).pvalue)), True
    cross = k0 * (n1 - k1) - k1 * (n0 - k0)
    squared = cross**2 * (total - 1) / (n0 * n1 * hits * (total - hits))
    return float(special.chdtrc(1, squared)), False


def _error(k0: int, n0: int, k1: int, n1: int) -> float:
    """Standard error of the difference, each share moved towards one half so that none is certain."""
    shares = [(k + 1) / (n + 2) for k, n in ((k0, n0), (k1, n1))]
    return math.sqrt(sum(one * (1 - one) / n for one, n in zip(shares, (n0, n1), strict=True)))
