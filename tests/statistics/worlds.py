"""Made-up fleets that are no kinder than real ones: long durations, clustered alarms, restless counts.

The truth is known, so a method's claims can be counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.counts import Counts2
from apps.analysis.durations import Durations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.analysis.types import Floats, Ints

SD_LN = 1.3
"""Spread of log durations; that of 355 public postmortems is 1.23."""
SD_PUBLISHED = 1.23
MEDIAN_S = 209 * 60.0
FOLLOW_UP = 9.0
"""Incidents are looked at up to so many medians after their start: with it one in five is still open."""
WINDOW_DAYS = 84.0


def durations(
    random: np.random.Generator, n: int, *, log_ratio: float = 0.0, sd: float = SD_LN, watched: bool = False
) -> Durations:
    """Log-normal durations; `watched` ones began at any time before now, and some are still open."""
    seconds = MEDIAN_S * np.exp(log_ratio + sd * random.standard_normal(n))
    if not watched:
        return Durations(seconds, np.ones(n, dtype=bool))
    so_far = random.uniform(0, FOLLOW_UP * MEDIAN_S, n)
    return Durations(np.minimum(seconds, so_far), seconds <= so_far)


def clustered(
    random: np.random.Generator, days: int, *, size: int, share: float, before: float, after: float
) -> list[tuple[int, int]]:
    """Service-days on which a cluster of `size` false alarms comes to both arms, or to one alone."""
    both, first, second = (random.poisson(rate, days) for rate in (share, before, after))
    return [(int(size * (b + x)), int(size * (b + y))) for b, x, y in zip(both, first, second, strict=True)]


def restless(random: np.random.Generator, means: Floats, dispersion: float) -> Ints:
    """Counts whose variance is mean + mean^2 / dispersion: incidents come in runs."""
    return random.poisson(means * random.gamma(dispersion, 1 / dispersion, np.shape(means)))


def fleet(
    random: np.random.Generator, controls: int, *, mean: float, dispersion: float, log_ratio: float = 0.0
) -> tuple[Counts2, list[Counts2]]:
    """One treated service and its controls, of unlike sizes, all moved by one common trend."""
    sizes = mean * np.exp(0.5 * random.standard_normal(controls + 1))
    trend = math.exp(0.3 * random.standard_normal())
    effects = np.ones(controls + 1)
    effects[0] = math.exp(log_ratio)
    before, after = (restless(random, rates, dispersion) for rates in (sizes, sizes * trend * effects))
    rows = [Counts2(int(b), WINDOW_DAYS, int(a), WINDOW_DAYS) for b, a in zip(before, after, strict=True)]
    return rows[0], rows[1:]


def weeks(random: np.random.Generator, services: int, length: int, *, mean: float) -> tuple[Floats, Ints]:
    """Weekly counts (services, length) that wander: bad weeks come together (lag correlation .5).

    Returns each service's long-run rate (services,) and the counts.
    """
    base = mean * np.exp(0.5 * random.standard_normal(services))
    wander = np.zeros((services, length))
    step = 0.6 * random.standard_normal((services, length))
    wander[:, 0] = step[:, 0]
    for week in range(1, length):
        wander[:, week] = 0.5 * wander[:, week - 1] + math.sqrt(0.75) * step[:, week]
    return base, restless(random, base[:, None] * np.exp(wander), 4.0)


def severities(random: np.random.Generator, n: int, shares: Sequence[float]) -> list[int]:
    """Severities from 1, the worst, in these shares."""
    return [int(one) for one in random.choice(np.arange(1, len(shares) + 1), n, p=list(shares))]
