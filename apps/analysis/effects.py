"""What every comparison of the field returns, and the one rule that turns it into a word.

Field evidence is observational: before and after differ in more than the action. An `Estimate` therefore
always carries how much it rests on, what was left out, and what it could have found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy import special

ALPHA = 0.05
TARGET_POWER = 0.8
MIN_POWER = 0.5
"""Power for the declared smallest effect below which nothing is concluded."""
MIN_EACH = 10
"""Closed incidents, or tries, on either side below which nothing is concluded."""

Outcome = Literal["improved", "worse", "no_evidence", "too_few_data"]
Direction = Literal["down", "up"]
TOO_FEW_DATA: Outcome = "too_few_data"


@dataclass(frozen=True)
class Estimate:
    """An effect with its interval, the p of "no difference", and what would have been found.

    `effect`, `low`, `high`: natural logs of a ratio after / before for durations and counts, differences
    after - before of shares (-1 to 1) for severity and remediation; None where unknown, a single bound None
    where it is open. `p`: two-sided, None where nothing can be tested. `n`: what the effect rests on, both
    sides together (incidents, tries; for counts the incidents of the treated service); `excluded`: what was
    left out; `controls`: services compared with. `power`: the chance to have found the declared smallest
    effect. `smallest`: the effect found with 80 %, in the unit of declaration: a share of reduction in
    (0, 1) for durations and counts, a difference of shares else; None where no effect would be.
    `verdict_hint` is "too_few_data" where the method itself says so, and `reason` says why.
    """

    method: str
    n: int
    excluded: int
    controls: int
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    power: float | None
    smallest: float | None
    verdict_hint: Outcome | None = None
    reason: str = ""


def outcome(found: Estimate, *, better: Direction, p: float | None = None, alpha: float = ALPHA) -> Outcome:
    """The verdict: `p` is the adjusted one where several were asked at once, else the estimate's own.

    p equal to `alpha` counts as found: that keeps the level, and 19 controls reach exactly .05.
    """
    if found.verdict_hint is not None:
        return found.verdict_hint
    if found.power is not None and found.power < MIN_POWER:
        return TOO_FEW_DATA
    used = found.p if p is None else p
    if used is None or used > alpha:
        return "no_evidence"
    below = found.high is not None and found.high < 0
    above = found.low is not None and found.low > 0
    if not (below or above):
        return "no_evidence"
    return "improved" if below == (better == "down") else "worse"


def log_effect(share: float) -> float:
    """Size of the log ratio that a reduction by `share` is: -ln(1 - share), positive.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError("smallest_effect must be a share between 0 and 1, both left out")
    return -math.log1p(-share)


def reduction(log_ratio: float) -> float:
    """The share of reduction of a log ratio's size: the inverse of `log_effect`."""
    return -math.expm1(-abs(log_ratio))


def quantile(chance: float, freedom: float = math.inf) -> float:
    """Of Student's t with `freedom` degrees; of the normal distribution where they are infinite."""
    if math.isinf(freedom):
        return float(special.ndtri(chance))
    return float(special.stdtrit(freedom, chance))


def power_at(size: float, error: float, *, freedom: float = math.inf, alpha: float = ALPHA) -> float:
    """Chance that an effect of `size` with this standard error is found by a two-sided test at `alpha`.

    The shifted central distribution stands for the noncentral one; the wrong direction is not counted.
    """
    if error <= 0:
        return 1.0 if size > 0 else 0.0
    reach = size / error - quantile(1 - alpha / 2, freedom)
    return float(special.ndtr(reach) if math.isinf(freedom) else special.stdtr(freedom, reach))


def found_at(
    error: float, *, freedom: float = math.inf, alpha: float = ALPHA, power: float = TARGET_POWER
) -> float:
    """The size that is found with `power`: the inverse of `power_at`."""
    return (quantile(1 - alpha / 2, freedom) + quantile(power, freedom)) * error
