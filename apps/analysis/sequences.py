"""Looking every day without being fooled: confidence sequences.

An interval holds the truth with 95 % at one look; of daily looks for months one will exclude it. A confidence
sequence holds it at *all* looks together, so one may look, and stop, whenever one likes.

`NormalMixture` is the closed form of H. Robbins, Annals of Mathematical Statistics 41 (1970) 1397-1409, in
the notation of S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Annals of Statistics 49 (2021) 1055-1080.
What makes it valid differs between its two uses:

- `by_signs`: if, without an effect, each difference could as well have had the other sign (given all
  earlier ones), sums divided by the root of summed squares stay inside for ever with probability 1 - alpha.
  That is exact at every sample size, whatever the sizes of the differences, heavy tails included
  (V. de la Peña, Annals of Probability 27 (1999) 537-564). It is the sequential form of the sign-flip test,
  and gives the p.
- `of_mean`: the interval of the mean, with an estimated variance. It is asymptotic (I. Waudby-Smith,
  D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas, Annals of Statistics 52 (2024) 2613-2640): valid in the limit
  of a late first look. Nothing is said before `FIRST_LOOK` differences that are not zero; simulations of
  `verify-statistics` say what remains for counts as sparse and clustered as ours.

Both need one difference for each unit of time that is independent of what led to looking (per day over all
services, or per service-day in order of time). Differences that carry over from day to day break both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from .effects import ALPHA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Floats

FIRST_LOOK = 12
"""Differences that are not zero before which there is neither interval nor p."""
TUNED_FOR = 40.0
"""Intrinsic time, in differences that are not zero, at which the sequence is tightest."""


@dataclass(frozen=True)
class NormalMixture:
    """Bounds |S| of a sum S with intrinsic time V (its variance so far) at all times together.

    `tuned_for`: the V at which the bound is tightest; validity does not depend on it, but it must be set
    before the data are seen. Elsewhere the bound is wider, by a few percent within a factor of four.

    Raises:
        ValueError: alpha is not in (0, 1) or the tuning is not positive.
    """

    tuned_for: float = TUNED_FOR
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError("alpha must be between 0 and 1, both left out")
        if not (math.isfinite(self.tuned_for) and self.tuned_for > 0):
            raise ValueError("tuned_for must be a positive number")

    @property
    def rho(self) -> float:
        """Inverse variance of the mixture: tuned_for / (-W(-alpha^2 / e) - 1), W Lambert's lower branch."""
        return self.tuned_for / (-float(special.lambertw(-(self.alpha**2) / math.e, k=-1).real) - 1)

    def radius(self, time: Floats) -> Floats:
        """Bound of |S| at intrinsic times (n,)."""
        rho = self.rho
        found: Floats = np.sqrt((time + rho) * np.log((time + rho) / (rho * self.alpha**2)))
        return found

    def log_evidence(self, total: Floats, time: Floats) -> Floats:
        """Log of the mixture martingale: 1 / alpha is passed with probability at most alpha, ever."""
        rho = self.rho
        found: Floats = total**2 / (2 * (time + rho)) - 0.5 * np.log1p(time / rho)
        return found

    def p_values(self, total: Floats, time: Floats) -> Floats:
        """Always-valid p after each step: the smallest so far, at most 1."""
        found: Floats = np.minimum.accumulate(np.minimum(1.0, np.exp(-self.log_evidence(total, time))))
        return found


@dataclass(frozen=True)
class Watched:
    """What a sequence says at its last look.

    `n`: differences that are not zero; `effect`, `low`, `high`: mean difference and its always-valid
    interval; `p`: always-valid, of "no difference". All None before the first look.
    """

    n: int
    effect: float | None
    low: float | None
    high: float | None
    p: float | None


def watch(differences: Sequence[float] | Floats, mixture: NormalMixture | None = None) -> Watched:
    """The state after all `differences`, in order of time; call it again with more whenever there are more.

    `differences`: after - before in whole events, one for each day over all services, days without any
    included; or divided by a scale that was fixed beforehand, since `tuned_for` counts in units of one. The
    interval is the intersection of all so far, so it never widens; where it became empty, what was watched
    has changed on the way, and it is given up (None). p is exact (`by_signs`), the interval asymptotic
    (`of_mean`): ask for both before anything is withdrawn.

    Raises:
        ValueError: a difference is no finite number.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not bool(np.isfinite(values).all()):
        raise ValueError("differences must be finite numbers")
    used = mixture or NormalMixture()
    n = int(np.count_nonzero(values))
    if n < FIRST_LOOK:
        return Watched(n, None, None, None, None)
    first = int(np.flatnonzero(np.cumsum(values != 0) == FIRST_LOOK)[0])
    lows, highs = of_mean(values, used)
    low, high = float(lows[first:].max()), float(highs[first:].min())
    known = low <= high
    return Watched(
        n=n,
        effect=float(values.mean()),
        low=low if known else None,
        high=high if known else None,
        p=float(by_signs(values, used)[-1]),
    )


def by_signs(differences: Floats, mixture: NormalMixture) -> Floats:
    """Always-valid p (n,) after each difference, by sums over roots of summed squares. Exact.

    Intrinsic time is the sum of squares: `tuned_for` counts differences of one.
    """
    return mixture.p_values(np.cumsum(differences), np.cumsum(differences**2))


def of_mean(differences: Floats, mixture: NormalMixture) -> tuple[Floats, Floats]:
    """Lower and upper bound (n,) of the mean after each difference. Asymptotic.

    In units of the standard deviation the intrinsic time of n differences, zeros included, is n. The variance
    is estimated from them and from one deviation more, as large as their root mean square: a dozen equal
    differences are no certainty.
    """
    count = np.arange(1, differences.size + 1, dtype=np.float64)
    mean = np.cumsum(differences) / count
    square = np.cumsum(differences**2) / count
    spread = (np.maximum(square - mean**2, 0.0) * count + square) / np.maximum(count - 1, 1)
    radius = np.sqrt(spread) * mixture.radius(count) / count
    return mean - radius, mean + radius
