"""How far what was found afterwards moves a declared confidence: one Beta update with a stated prior.

People declare a confidence c when they file a lesson; what is served is c times the mean of a Beta
distribution over "looks at it find that it helps". The prior weighs as much as `PRIOR_WEIGHT` findings. Its
mean is 1 where a passed backtest let the lesson act, and `OVERRIDE_FACTOR` where people overrode a backtest
that failed or could not run. Each look that found an improvement counts for it, each that found harm against
it. So the declared confidence is the ceiling that nothing lifts it above, harm always lowers it, and the
answer does not depend on the order in which findings arrive.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIOR_WEIGHT = 4.0
"""Findings that the reviewers' word is worth."""
OVERRIDE_FACTOR = 0.5
"""Prior mean of what acts without a passed backtest."""


@dataclass(frozen=True)
class Standing:
    """The update with its arithmetic. `served` = `declared` * `prior` * `factor`, all shares in (0, 1]."""

    declared: float
    prior: float
    improved: int
    worse: int
    weight: float = PRIOR_WEIGHT

    @property
    def mean(self) -> float:
        """Posterior mean, in (0, 1]: (weight * prior + improved) / (weight + improved + worse)."""
        counted = self.improved + self.worse
        return (self.weight * self.prior + self.improved) / (self.weight + counted)

    @property
    def factor(self) -> float:
        """What the findings multiply by: above 1 only where an override lowered the prior."""
        return self.mean / self.prior

    @property
    def served(self) -> float:
        """The confidence that consumers see."""
        return self.declared * self.mean


def standing(declared: float, *, overridden: bool, improved: int = 0, worse: int = 0) -> Standing:
    """The standing of a lesson that people declared `declared` sure of.

    Raises:
        ValueError: a confidence outside (0, 1], or a negative count.
    """
    if not 0 < declared <= 1:
        raise ValueError("a confidence is a share above 0 and at most 1")
    if improved < 0 or worse < 0:
        raise ValueError("counts of findings are not negative")
    return Standing(declared, OVERRIDE_FACTOR if overridden else 1.0, improved, worse)
