"""Two groups of durations of which some are still running: log-rank test and the ratio that it allows.

Sources: test after N. Mantel (1966) and R. Peto & J. Peto (1972). The ratio is that of the accelerated
failure time model, estimated by turning the test round: the interval holds every factor by which the second
group can be divided without the test telling the groups apart (A. A. Tsiatis, Annals of Statistics 18 (1990)
354-372; T. A. Louis, Biometrika 68 (1981) 381-390). It needs no distribution, and agrees with its test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from .types import Bools, Floats

HALVINGS = 40


@dataclass(frozen=True)
class Sides:
    """Natural logs of durations before and after, and which of them have ended."""

    before: Floats
    before_closed: Bools
    after: Floats
    after_closed: Bools


def z_score(sides: Sides, shift: float = 0.0) -> float:
    """Positive: the second group ends earlier once its logs are lowered by `shift`. 0 without an ending."""
    logs = np.concatenate([sides.before, sides.after - shift])
    closed = np.concatenate([sides.before_closed, sides.after_closed])
    second = np.arange(logs.size) >= sides.before.size
    moments = np.unique(logs[closed])
    if moments.size == 0:
        return 0.0
    at_risk, second_at_risk = _at_least(logs, moments), _at_least(logs[second], moments)
    ended = np.diff(np.append(_at_least(logs[closed], moments), 0)) * -1.0
    share = second_at_risk / at_risk
    expected = float((ended * share).sum())
    left = np.maximum(at_risk - 1, 1)
    variance = float((ended * share * (1 - share) * (at_risk - ended) / left).sum())
    observed = float(np.count_nonzero(closed & second))
    return 0.0 if variance <= 0 else (observed - expected) / math.sqrt(variance)


def p_value(sides: Sides) -> float:
    """Two-sided, by the normal approximation."""
    return float(2 * special.ndtr(-abs(z_score(sides))))


def log_ratio(sides: Sides, confidence: float) -> tuple[float | None, float | None, float | None]:
    """Log of the ratio after / before, and its interval; None for what no shift decides."""
    reach = float(special.ndtri((1 + confidence) / 2))
    everything = np.concatenate([sides.before, sides.after])
    span = float(everything.max() - everything.min()) + 1.0
    effect = _crossing(sides, 0.0, span)
    low, high = _crossing(sides, -reach, span), _crossing(sides, reach, span)
    if effect is not None and abs(z_score(sides)) <= reach:  # no wobble of the curve shall exclude zero
        low, high = None if low is None else min(low, 0.0), None if high is None else max(high, 0.0)
    return effect, low, high


def _crossing(sides: Sides, level: float, span: float) -> float | None:
    """Where the score, which rises with the shift, passes `level`; None where it never does."""
    low, high = -span, span
    if z_score(sides, low) >= level or z_score(sides, high) <= level:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if z_score(sides, middle) < level:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(values: Floats, moments: Floats) -> Floats:
    """How many of `values` are not smaller than each of `moments`."""
    ordered = np.sort(values)
    return (ordered.size - np.searchsorted(ordered, moments, side="left")).astype(np.float64)
