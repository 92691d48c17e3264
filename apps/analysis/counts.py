"""Did incidents become fewer? One service against others of its tier, over the same weeks.

A count that fell may have fallen everywhere, or have been unusual before. The change of the treated service
is therefore compared with the changes of services that nobody touched; how far those differ among themselves
says how far chance goes, without a model of how counts vary.

Sources: difference in differences with placebos after A. Abadie, A. Diamond, J. Hainmueller, Journal of the
American Statistical Association 105 (2010) 493-505; changes divided by the error their counts have, so that a
service with few incidents is compared fairly with one with many, after B. Ferman & C. Pinto, Review of
Economics and Statistics 101 (2019) 452-467; spread between services by moments (R. DerSimonian & N. Laird,
1986). The interval holds every effect that the same test would not reject.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from .effects import ALPHA, TARGET_POWER, TOO_FEW_DATA, Estimate, log_effect, quantile, reduction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .types import Floats

HALF = 0.5
MIN_CONTROLS = 10
SIGNIFICANT_FROM = 19
"""Controls below which the smallest possible p, 1 / (controls + 1), is above .05."""
STEPS = 12
FARTHEST = 20.0
"""Log ratios beyond which nothing is told apart any more."""
METHOD = "difference in differences against untouched services, placebo rank"


@dataclass(frozen=True)
class Counts2:
    """Incidents of one service and the days they were counted over, before and after.

    Raises:
        ValueError: a count is no whole number from zero, or the days are not positive.
    """

    before: int
    before_days: float
    after: int
    after_days: float

    def __post_init__(self) -> None:
        for name in ("before", "after"):
            count = getattr(self, name)
            if not (math.isfinite(count) and count >= 0 and count == int(count)):
                raise ValueError(f"{name} must be a whole number that is not negative")
        for name in ("before_days", "after_days"):
            days = getattr(self, name)
            if not (math.isfinite(days) and days > 0):
                raise ValueError(f"{name} must be a positive number of days")

    @property
    def total(self) -> int:
        return self.before + self.after

    @property
    def change(self) -> float:
        """Log ratio of the daily rates, half an incident added on each side."""
        ratio = (self.after + HALF) / (self.before + HALF)
        return math.log(ratio * self.before_days / self.after_days)

    def noise(self, effect: float = 0.0) -> float:
        """Variance of `change` if the total had fallen by chance on the two stretches under this effect.

        Of the total only, so that without an effect a fall weighs as much as a rise.
        """
        after = self.after_days * math.exp(effect)
        share = after / (self.before_days + after)
        return 1 / (self.total * share + HALF) + 1 / (self.total * (1 - share) + HALF)


def difference_in_differences(
    treated: Counts2,
    controls: Sequence[Counts2],
    *,
    smallest_effect: float | None,
    alpha: float = ALPHA,
    excluded: int = 0,
) -> Estimate:
    """Log ratio of the treated service's rates, after / before, beyond that of the controls.

    Negative is fewer. A control without any incident says nothing about how counts change: it is left out
    and counted in `excluded`. With fewer than 10 controls there is no p; with fewer than 19 no p can reach
    .05, and `verdict_hint` says so.

    Raises:
        ValueError: the smallest effect, a share of reduction, is not in (0, 1).
    """
    declared = None if smallest_effect is None else log_effect(smallest_effect)
    used = [one for one in controls if one.total]
    found = Estimate(
        method=METHOD,
        n=treated.total,
        excluded=excluded + len(controls) - len(used),
        controls=len(used),
        effect=None,
        low=None,
        high=None,
        p=None,
        power=None if declared is None else 0.0,
        smallest=None,
    )
    if len(used) >= MIN_CONTROLS and treated.total:
        found = _ranked(found, partial(_Placebos.of, treated, used), declared, alpha)
    return _hinted(found, treated)


def _hinted(found: Estimate, treated: Counts2) -> Estimate:
    if not treated.total:
        reason = "The service had no incident in either stretch"
    elif found.controls < MIN_CONTROLS:
        reason = f"{found.controls} untouched services with an incident; at least {MIN_CONTROLS} are needed"
    elif found.controls < SIGNIFICANT_FROM:
        reason = (
            f"With {found.controls} untouched services the smallest possible p is "
            f"{1 / (found.controls + 1):.3f}; {SIGNIFICANT_FROM} are needed to tell"
        )
    else:
        return found
    return replace(found, verdict_hint=TOO_FEW_DATA, reason=reason)


@dataclass(frozen=True)
class _Placebos:
    """The treated service's distance from the controls, and how large it had to be to outdo each of them.

    `distance`: its change less the weighted mean of theirs; `error`: of that distance. `fewer` and `more`
    (controls,): the size of a negative, and a positive, distance up to which a control is as extreme.
    All under a supposed effect, since few incidents left are restless ones.
    """

    distance: float
    error: float
    fewer: Floats
    more: Floats

    @classmethod
    def of(cls, treated: Counts2, controls: Sequence[Counts2], effect: float) -> _Placebos:
        changes = np.array([one.change for one in controls])
        noise = np.array([one.noise() for one in controls])
        between = _between(changes, noise)
        weights, own = 1 / (noise + between), 1 / (treated.noise(effect) + between)
        mean = float((weights * changes).sum() / weights.sum())
        error = math.sqrt(1 / own + 1 / float(weights.sum()))
        # Each control in turn plays the treated one; the treated service, moved to a distance u from the
        # mean, is then among the others and draws their mean along by `pull` * u.
        others = weights.sum() - weights + own
        apart = changes - (float((weights * changes).sum()) - weights * changes + own * mean) / others
        pull = own / others
        scale = np.sqrt(1 / weights + 1 / others) / error
        return cls(
            distance=treated.change - mean,
            error=error,
            fewer=_reach(-apart, pull, scale),
            more=_reach(apart, pull, scale),
        )


def _reach(apart: Floats, pull: Floats, scale: Floats) -> Floats:
    """Largest u with |apart - pull * u| >= scale * u, which is where a control ties with the treated one."""
    same = apart / (scale + pull)
    with np.errstate(divide="ignore", invalid="ignore"):
        opposite = np.where(scale > pull, -apart / (scale - pull), np.inf)
    found: Floats = np.maximum(same, opposite)
    return found


def _between(changes: Floats, noise: Floats) -> float:
    """Variance of the controls' own trends, beyond what their counts explain. By moments, never negative."""
    weights = 1 / noise
    mean = (weights * changes).sum() / weights.sum()
    excess = (weights * (changes - mean) ** 2).sum() - (changes.size - 1)
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return max(0.0, float(excess / scale))


def _ranked(
    found: Estimate, under: Callable[[float], _Placebos], declared: float | None, alpha: float
) -> Estimate:
    """`under` gives the placebos under a supposed effect."""
    null = under(0.0)
    distance, size = null.distance, abs(null.distance)
    reach = null.fewer if distance < 0 else null.more
    # A control that ties by rounding only is as extreme.
    extreme = int(np.count_nonzero(reach >= size * (1 - 1e-9)))
    units = reach.size + 1
    p = (extreme + 1) / units
    # p > alpha needs so many controls as extreme; the interval ends where that many are no more.
    needed = math.floor(alpha * units + 1e-9)
    if needed < 1:
        return replace(found, effect=distance, p=p)
    low = _settled(lambda at: distance - _bound(under(at).more, needed))
    high = _settled(lambda at: distance + _bound(under(at).fewer, needed))
    if p > alpha:  # the ends were found step by step: none shall contradict the test
        low, high = min(low, 0.0), max(high, 0.0)
    limit = _bound(null.fewer, needed)
    detectable = -_settled(lambda at: -limit - quantile(TARGET_POWER) * under(at).error)
    power = None if declared is None else _power(declared, limit, under(-declared).error)
    return replace(
        found,
        effect=distance,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        p=p,
        power=power,
        smallest=reduction(detectable) if math.isfinite(detectable) else None,
    )


def _bound(reach: Floats, needed: int) -> float:
    """Where the `needed`-th most extreme control is passed."""
    return float(np.sort(reach)[-needed])


def _settled(step: Callable[[float], float]) -> float:
    """The effect that its own placebos confirm, by halving the way; infinite where they do not."""
    at = 0.0
    for number in range(STEPS):
        aim = step(max(-FARTHEST, min(FARTHEST, at)))
        if math.isinf(aim):
            return aim
        at = (at + aim) / 2 if number else aim
    return at


def _power(declared: float, limit: float, error: float) -> float:
    """Chance that a fall of `declared`, give or take its error, is further out than the placebos."""
    if math.isinf(limit) or error == 0:
        return 0.0 if declared <= limit else 1.0
    return 0.5 * math.erfc((limit - declared) / error / math.sqrt(2))
