"""How likely each failure mode is: shares shrunk towards the fleet, and what symptoms add.

A service has few reviews, so its raw shares say "never" of most modes. The fleet's shares count as `weight`
reviews of its own (the posterior mean of a Dirichlet prior: Gelman et al., Bayesian Data Analysis, 3rd ed.,
section 3.4). Symptoms are weighed by naive Bayes, each likelihood shrunk in the same way towards the share of
the symptom over all modes, so that a mode with no reviews is neither favoured nor ruled out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Floats

JEFFREYS = 0.5
"""Reviews added to each mode of the fleet, so that one never seen does not count as impossible."""


def fleet_shares(counts: Floats) -> Floats:
    """Shares (n_modes,) of the fleet's `counts` (n_modes,), which may be fractions; they sum to 1.

    Raises:
        ValueError: no mode, or a negative or infinite count.
    """
    if counts.size == 0 or not bool(np.isfinite(counts).all()) or bool((counts < 0).any()):
        raise ValueError("finite counts of at least one mode, none negative, are needed")
    shares: Floats = (counts + JEFFREYS) / (counts.sum() + JEFFREYS * counts.size)
    return shares


def shrunk_shares(counts: Floats, fleet: Floats, weight: float) -> Floats:
    """Shares (n_modes,) of a service: its `counts`, and `weight` reviews that failed as the `fleet` does.

    Raises:
        ValueError: no positive weight.
    """
    if not 0 < weight < np.inf:
        raise ValueError("a positive weight of the fleet is needed")
    shares: Floats = (counts + weight * fleet) / (counts.sum() + weight)
    return shares


def symptom_ratios(seen: Floats, reviews: Floats, weight: float) -> Floats:
    """How many times likelier a symptom is under each mode (n_modes,) than over all modes.

    `seen`: reviews of each mode that had it; `reviews`: reviews of each mode. 1 says that it tells nothing,
    as for a mode without reviews, or a symptom that was never seen at all.

    Raises:
        ValueError: more reviews with the symptom than reviews, or no positive weight.
    """
    if bool((seen > reviews).any()) or not 0 < weight < np.inf:
        raise ValueError("no mode has more reviews with a symptom than reviews, and the weight is positive")
    share = float(seen.sum()) / float(reviews.sum()) if float(reviews.sum()) > 0 else 0.0
    if share == 0:
        return np.ones(seen.size, dtype=np.float64)
    likelihood = (seen + weight * share) / (reviews + weight)
    ratios: Floats = likelihood / share
    return ratios


def posterior(prior: Floats, ratios: Sequence[Floats]) -> Floats:
    """Chances (n_modes,) after the symptoms whose `ratios` are given; they sum to 1.

    Raises:
        ValueError: a prior that is not positive.
    """
    if not bool((prior > 0).all()):
        raise ValueError("a mode with chance 0 cannot be learnt of")
    log_odds = np.log(prior) + sum((np.log(ratio) for ratio in ratios), np.zeros(prior.size))
    weights = np.exp(log_odds - log_odds.max())
    chances: Floats = weights / weights.sum()
    return chances
