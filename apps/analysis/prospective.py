"""Is what is served worse than without it? Asked every day, answered at most once wrongly in twenty cases.

Two always-valid tests, each at half of .05, so that looking every day costs nothing:

- **false alarms and incidents together**: per day, over all series, what was paid: false alarms more, less
  `INCIDENT_WORTH` for each incident that is caught besides (the exchange rate of the gate, lambda .2).
  Without an effect each difference could as well have had the other sign; the sums are bounded by
  `sequences.NormalMixture`, exactly (sums of squares) and in the mean (estimated variance): both must say
  so.
- **incidents alone**: each that only one way caught is a toss of a coin. The evidence is a likelihood ratio
  mixed uniformly over all coins that fall on "lost" more often than not (J. Ville, 1939; H. Robbins, 1970).

A day is one block whatever happened on it and however many services it touched, so that a cause that many
services share counts once. What carries over from one day to the next is not covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from . import sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Bools, Floats

ALPHA = 0.025
"""Of each test; of both together .05."""
INCIDENT_WORTH = 5.0
"""False alarms that one missed incident is worth: 1 / lambda of the gate."""
MIXTURE = sequences.NormalMixture(alpha=ALPHA)


@dataclass(frozen=True)
class Prospect:
    """Where the sequence stands after the last day.

    `effect`: what a day pays, in false alarms; above 0 is worse. `n`: days that differ. `low`, `high`, `p`
    (always-valid, 1 - `ALPHA`) and `effect` are None before there are `sequences.FIRST_LOOK` of them.
    `lost_p`: always-valid, that incidents are lost by chance alone. `worse`, `better`: the sequence leaves 0
    out; `losing`: incidents are lost.
    """

    days: int
    n: int
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    lost_p: float
    worse: bool
    better: bool
    losing: bool


def prospect(differences: Sequence[float], *, gained: int, lost: int) -> Prospect:
    """Where it stands after all `differences` (see `paid`), one for each day, in order of time."""
    values = np.asarray(differences, dtype=np.float64)
    n = int(np.count_nonzero(values))
    lost_p = losing_p(gained, lost)
    losing = lost_p < ALPHA
    if n < sequences.FIRST_LOOK:
        return Prospect(
            values.size, n, None, None, None, None, lost_p, worse=False, better=False, losing=losing
        )
    lows, highs = sequences.of_mean(values, MIXTURE)
    evidence = float(MIXTURE.log_evidence(values.sum(), np.square(values).sum()))
    return Prospect(
        days=values.size,
        n=n,
        effect=float(values.mean()),
        low=float(lows[-1]),
        high=float(highs[-1]),
        p=min(1.0, math.exp(-evidence)),
        lost_p=lost_p,
        worse=bool(excluded(values)[-1]),
        better=bool(excluded(-values)[-1]),
        losing=losing,
    )


def paid(false_before: int, false_after: int, gained: int, lost: int) -> float:
    """What a day pays for the second way, in false alarms."""
    return false_after - false_before + INCIDENT_WORTH * (lost - gained)


def excluded(differences: Floats) -> Bools:
    """After each day: does the sequence leave out 0, and everything below it? Shape (days,).

    The present bounds count, not the narrowest so far: what was good and became bad must be seen.
    """
    total, squares = np.cumsum(differences), np.cumsum(np.square(differences))
    enough = np.cumsum(differences != 0) >= sequences.FIRST_LOOK
    strong = MIXTURE.log_evidence(total, squares) >= -math.log(ALPHA)
    lows, _ = sequences.of_mean(differences, MIXTURE)
    return np.asarray(enough & strong & (total > 0) & (lows > 0), dtype=np.bool_)


def losing_p(gained: int, lost: int) -> float:
    """Always-valid p that as many incidents are lost against gained ones by chance. At most 1.

    1 / M with M = 2 * integral over q in (1/2, 1) of (2q)^lost * (2(1-q))^gained: a martingale of fair coins.
    """
    log_m = (
        math.log(2)
        + (gained + lost) * math.log(2)
        + float(special.betaln(lost + 1, gained + 1))
        + math.log(max(float(special.betaincc(lost + 1, gained + 1, 0.5)), 1e-300))
    )
    return min(1.0, math.exp(-log_m))
