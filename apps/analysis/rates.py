"""How often rare things happen to each member of a fleet, when most have seen few or none.

A raw rate of 0 in 90 days says neither "never" nor "like everybody else". The Gamma-Poisson model shrinks
each member's count towards the fleet, the more the less the fleet's members differ (empirical Bayes: Clayton
& Kaldor, Biometrics 43 (1987) 671-681; Efron & Hastie, Computer Age Statistical Inference (2016),
section 6.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .types import Floats, Ints

JEFFREYS = 0.5
"""Events added to the fleet's sum, so that a fleet without any does not count as safe for ever."""


@dataclass(frozen=True)
class RatePrior:
    """Gamma distribution of the members' rates: `mean` a day, `shape`; infinite shape means all are alike."""

    mean: float
    shape: float


def fit_prior(counts: Ints, days: float) -> RatePrior:
    """The prior from `counts` (n,) of events that each member had in the same `days`, by moments.

    The variance of Poisson counts equals their mean; what the sample variance has beyond that is the
    members' own. Without such an excess, or with a single member, all count as alike.

    Raises:
        ValueError: no member, a negative count, or no time.
    """
    if counts.size == 0 or days <= 0 or bool((counts < 0).any()):
        raise ValueError("counts of at least one member, none negative, over a positive time are needed")
    mean = (float(counts.sum()) + JEFFREYS) / (counts.size * days)
    if counts.size == 1:
        return RatePrior(mean, float("inf"))
    excess = (float(counts.var(ddof=1)) - float(counts.mean())) / days**2
    return RatePrior(mean, mean**2 / excess if excess > 0 else float("inf"))


def smoothed_rates(counts: Ints, days: float, prior: RatePrior) -> Floats:
    """Posterior mean rates (n,) a day: between a member's own rate and the fleet's."""
    if np.isinf(prior.shape):
        return np.full(counts.size, prior.mean, dtype=np.float64)
    events = (prior.shape + counts).astype(np.float64)
    return events / (prior.shape / prior.mean + days)


def chance_within(counts: Ints, days: float, horizon_days: float) -> Floats:
    """Probability (n,) of at least one event in the next `horizon_days`, if things go on as they did.

    Poisson with the Gamma posterior integrated out, P = 1 - (B / (B + h))^A with A = shape + count and
    B = shape / mean + days; 1 - exp(-mean h) where all members count as alike.

    Raises:
        ValueError: see `fit_prior`; or a negative horizon.
    """
    if horizon_days < 0:
        raise ValueError("the horizon lies ahead")
    prior = fit_prior(counts, days)
    if np.isinf(prior.shape):
        return np.full(counts.size, -np.expm1(-prior.mean * horizon_days))
    rate = prior.shape / prior.mean + days
    chances: Floats = -np.expm1(-(prior.shape + counts) * np.log1p(horizon_days / rate))
    return chances
