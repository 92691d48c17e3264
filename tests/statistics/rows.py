"""What a simulation found, and what it may find: the ranges of the specification, never wider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Range = tuple[float, float]
NULL: Range = (0.03, 0.07)
"""Share of runs without an effect that are called one, of methods that aim at .05."""
NULL_CONSERVATIVE: Range = (0.0, 0.07)
"""The same of exact, placebo-rank and always-valid methods, which stay below; their power is printed."""
ALWAYS: Range = (0.0, 0.05)
"""Runs in which any of many looks errs, and false discoveries among discoveries: the nominal level."""
COVERAGE: Range = (0.93, 1.0)
POWER: Range = (0.8, 1.0)
SPARED: Range = (0.95, 1.0)
"""Actions after bad weeks that are rightly not called improved."""
EXACTLY: Range = (1.0, 1.0)
LEVEL = 0.05


@dataclass(frozen=True)
class Row:
    """One figure beside its allowed range; without one (a contrast) it is shown and not judged."""

    method: str
    scenario: str
    quantity: str
    value: float
    runs: int
    allowed: Range | None

    @property
    def inside(self) -> bool | None:
        return None if self.allowed is None else self.allowed[0] <= self.value <= self.allowed[1]

    def as_dict(self) -> dict[str, object]:
        return {
            "method": self.method,
            "scenario": self.scenario,
            "quantity": self.quantity,
            "value": round(self.value, 4),
            "allowed": None if self.allowed is None else list(self.allowed),
            "runs": self.runs,
            "inside": self.inside,
        }


class Found(Protocol):
    """What every method returns."""

    @property
    def p(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


Check = "Callable[[np.random.Generator, int], list[Row]]"


def share(flags: Iterable[bool]) -> float:
    return float(np.mean([bool(flag) for flag in flags]))


def rejects(found: Found) -> bool:
    """The test alone; the verdict asks for the interval besides."""
    return found.p is not None and found.p <= LEVEL


def finds(found: Found, *, lower: bool = True) -> bool:
    """Test and interval both say so, in this direction."""
    beyond = (
        (found.high is not None and found.high < 0) if lower else (found.low is not None and found.low > 0)
    )
    return rejects(found) and beyond


def covers(found: Found, truth: float) -> bool:
    """An open bound covers; rounding does not exclude."""
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    return bool(low - 1e-9 <= truth <= high + 1e-9)


def null_rows(
    method: str, scenario: str, found: Sequence[Found], *, allowed: Range = NULL, truth: float = 0.0
) -> list[Row]:
    """Rejection and coverage without an effect."""
    return [
        Row(method, scenario, "null rejection", share(map(rejects, found)), len(found), allowed),
        coverage_row(method, scenario, found, truth),
    ]


def coverage_row(method: str, scenario: str, found: Sequence[Found], truth: float) -> Row:
    value = share(covers(one, truth) for one in found)
    return Row(method, scenario, "coverage", value, len(found), COVERAGE)


def power_row(method: str, scenario: str, found: Sequence[bool]) -> Row:
    return Row(method, scenario, "power", share(found), len(found), POWER)
