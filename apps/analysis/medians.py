"""How long until half have ended, with an interval: the median of durations of which some have not ended.

Sources: curve after E. L. Kaplan & P. Meier (1958), variance after M. Greenwood (1926), band on the scale of
log(-log); interval of the median after R. Brookmeyer & J. Crowley, Biometrics 38 (1982) 29-41: every time at
which "one half" is not rejected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .durations import median_s, survival
from .effects import ALPHA, quantile

if TYPE_CHECKING:
    from .durations import Durations
    from .types import Floats

HALF = 0.5
ROUNDING = 1e-12


@dataclass(frozen=True)
class Median:
    """Seconds; None where the curve (or its band) stays above one half. `open`: censored ones among `n`."""

    median: float | None
    low: float | None
    high: float | None
    n: int
    open: int


def median(durations: Durations, *, alpha: float = ALPHA) -> Median:
    """The Kaplan-Meier median of durations with its interval."""
    n, ended = len(durations), durations.ended
    moments, lasting = survival(durations)
    lower, upper = _band(durations, moments, lasting, alpha)
    return Median(median_s(durations), _first(moments, lower), _first(moments, upper), n, n - ended)


def _band(durations: Durations, moments: Floats, lasting: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Bounds of the share that lasts longer, at each moment; where all have ended, 0 and 1: unknown."""
    ordered, ends = np.sort(durations.seconds), np.sort(durations.seconds[durations.closed])
    at_risk = ordered.size - np.searchsorted(ordered, moments, side="left")
    ended = np.searchsorted(ends, moments, side="right") - np.searchsorted(ends, moments, side="left")
    lower, upper = np.zeros(moments.size), np.ones(moments.size)
    inside = (lasting > 0) & (lasting < 1)
    gone = np.where(at_risk > ended, at_risk - ended, 1)
    spread = np.sqrt(np.cumsum(ended / (at_risk * gone)))[inside]
    reach = np.exp(quantile(1 - alpha / 2) * spread / -np.log(lasting[inside]))
    lower[inside], upper[inside] = lasting[inside] ** reach, lasting[inside] ** (1 / reach)
    return lower, upper


def _first(moments: Floats, bound: Floats) -> float | None:
    """The first moment at which a bound is down to one half."""
    reached = np.flatnonzero(bound <= HALF + ROUNDING)
    return float(moments[reached[0]]) if reached.size else None
