"""How many incidents a question needs, before anybody waits for them.

A plan says what is compared and how much it varies; `of` gives the chance to find an effect with so many, and
`needed` the smallest number that gives the wanted chance. Sources: normal approximation for means of logs and
for shares (e.g. J. M. Lachin, Controlled Clinical Trials 2 (1981) 93-113), exact binomial for blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from .counts import HALF
from .effects import ALPHA, TARGET_POWER, log_effect, power_at, quantile

SD_LN = 1.23
"""Standard deviation of the natural logs of the durations of 355 public postmortems."""
MOST = 10_000_000
"""Numbers beyond which the search gives up."""


class Plan(Protocol):
    """What is to be compared. `power(effect, n, alpha)`: chance to find `effect` with `n` of `unit`."""

    @property
    def unit(self) -> str: ...

    def power(self, effect: float, n: int, alpha: float) -> float: ...


@dataclass(frozen=True)
class Durations:
    """Means of log durations. `effect`: share of reduction; `n`: incidents on each side.

    `open_share`: of the incidents that are still open when they are compared; they tell less.
    """

    sd_ln: float = SD_LN
    open_share: float = 0.0
    unit: str = "incidents on each side"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.sd_ln) and self.sd_ln > 0):
            raise ValueError("sd_ln must be a positive number")
        if not 0 <= self.open_share < 1:
            raise ValueError("open_share must be a share from 0 to below 1")

    def power(self, effect: float, n: int, alpha: float) -> float:
        closed = n * (1 - self.open_share)
        return power_at(log_effect(effect), self.sd_ln * math.sqrt(2 / closed), alpha=alpha)


@dataclass(frozen=True)
class Counts:
    """One service's count against untouched services'. `effect`: share of reduction; `n`: incidents expected
    before, without an effect as many after.

    `controls`: untouched services of like size; `spread`: standard deviation of the services' own log trends,
    beyond what counts explain. The bound that the placebos set is that of normal ones.
    """

    controls: int
    spread: float = 0.0
    unit: str = "incidents in the stretch before"

    def __post_init__(self) -> None:
        if self.controls < 0:
            raise ValueError("controls must not be negative")
        if not (math.isfinite(self.spread) and self.spread >= 0):
            raise ValueError("spread must be a number that is not negative")

    def power(self, effect: float, n: int, alpha: float) -> float:
        log_effect(effect)  # refuses what is no share
        units = self.controls + 1
        needed = math.floor(alpha * units + 1e-9)
        if needed < 1:
            return 0.0
        error = math.sqrt((1 / n + 1 / n + self.spread**2) * (1 + 1 / self.controls))
        # The `needed`-th largest of so many |normal| values, at its median rank (Benard's approximation).
        bound = error * quantile(0.5 + 0.5 * (1 - (needed - 0.3) / (self.controls + 0.4)))
        # Both counts have half an incident added, as in the comparison: no ratio of few is large.
        left = n * (1 - effect) + HALF
        size = math.log((n + HALF) / left)
        later = math.sqrt((1 / (n + HALF) + 1 / left + self.spread**2) * (1 + 1 / self.controls))
        return float(special.ndtr((size - bound) / later))


@dataclass(frozen=True)
class Shares:
    """Two shares of success. `effect`: their difference; `n`: tries on each side; `base`: share before."""

    base: float
    unit: str = "tries on each side"

    def __post_init__(self) -> None:
        if not 0 <= self.base <= 1:
            raise ValueError("base must be a share from 0 to 1")

    def power(self, effect: float, n: int, alpha: float) -> float:
        later = self.base + effect if self.base + effect <= 1 else self.base - effect
        if not (effect > 0 and 0 <= later <= 1):
            raise ValueError("effect must be a difference of shares that fits beside the base")
        middle = (self.base + later) / 2
        null = math.sqrt(2 * middle * (1 - middle))
        other = math.sqrt(self.base * (1 - self.base) + later * (1 - later))
        if other == 0:
            return 1.0
        return float(special.ndtr((effect * math.sqrt(n) - quantile(1 - alpha / 2) * null) / other))


@dataclass(frozen=True)
class Blocks:
    """Blocks of a replay (service-days, services) that differ between the arms, by their signs.

    `effect`: by how much the share of blocks that moved the good way exceeds one half, doubled: 0 is chance,
    1 is every block. `n`: blocks that differ. Exact, where each moves by the same.
    """

    unit: str = "blocks that differ"

    def power(self, effect: float, n: int, alpha: float) -> float:
        if not 0 < effect <= 1:
            raise ValueError("effect must be a number between 0 and 1")
        good = np.arange(n + 1)
        p = np.minimum(1.0, 2 * special.bdtr(n - good, n, 0.5))
        found = (good > n / 2) & (p <= alpha)
        if not found.any():
            return 0.0
        return float(special.bdtrc(int(good[found][0]) - 1, n, (1 + effect) / 2))


def of(plan: Plan, *, effect: float, n: int, alpha: float = ALPHA) -> float:
    """Chance to find `effect` with `n`.

    Raises:
        ValueError: a number is out of range; the message names it.
    """
    if n < 1:
        raise ValueError("n must be at least 1")
    if not 0 < alpha < 1:
        raise ValueError("alpha must be between 0 and 1, both left out")
    return plan.power(effect, n, alpha)


def needed(plan: Plan, *, effect: float, power: float = TARGET_POWER, alpha: float = ALPHA) -> int | None:
    """An n with at least `power`, while one fewer has less; None where ten million would not do.

    Raises:
        ValueError: as `of`; or the power is not in (0, 1).
    """
    if not 0 < power < 1:
        raise ValueError("power must be between 0 and 1, both left out")
    high = 1
    while of(plan, effect=effect, n=high, alpha=alpha) < power:
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle) if of(plan, effect=effect, n=middle, alpha=alpha) >= power else (middle, high)
        )
    return high


def smallest(plan: Plan, *, n: int, power: float = TARGET_POWER, alpha: float = ALPHA) -> float | None:
    """Smallest effect, in steps of 1 %, that is found with `power`; None where not even 99 % would be."""
    for step in range(1, 100):
        try:
            if of(plan, effect=step / 100, n=n, alpha=alpha) >= power:
                return step / 100
        except ValueError:
            return None
    return None
