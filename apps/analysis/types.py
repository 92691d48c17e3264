"""Frozen values that every part of this room takes and returns. Times are microseconds since 1970, UTC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .calendars import CalendarException, Suppression

Times: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]

Direction: TypeAlias = Literal["up", "down", "both"]
Baseline: TypeAlias = Literal["level", "daily", "weekly", "either"]
DIRECTIONS: tuple[Direction, ...] = ("up", "down", "both")
BASELINES: tuple[Baseline, ...] = ("level", "daily", "weekly", "either")

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

MAX_PERSISTENCE = 100
"""Samples that persistence may look back on."""


@dataclass(frozen=True, eq=False)
class Telemetry:
    """One series. `times` (n,) int64 microseconds, strictly increasing; `values` (n,) float64, NaN is a gap.

    Raises:
        ValueError: the arrays differ in length, or the times do not increase.
    """

    times: Times
    values: Floats

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=np.int64)
        values = np.asarray(self.values, dtype=np.float64)
        if times.ndim != 1 or times.shape != values.shape:
            raise ValueError("times and values must be two flat arrays of one length")
        if times.size > 1 and not bool((times[1:] > times[:-1]).all()):
            raise ValueError("times must be strictly increasing")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values)

    def __len__(self) -> int:
        return int(self.times.size)


@dataclass(frozen=True, order=True)
class Interval:
    """A closed span of time, for example an incident; `start_us == end_us` is a moment.

    Raises:
        ValueError: it ends before it starts.
    """

    start_us: int
    end_us: int

    def __post_init__(self) -> None:
        if self.end_us < self.start_us:
            raise ValueError("an interval ends before it starts")


@dataclass(frozen=True)
class Setting:
    """What the detector is told about one series; `detector` says what each field does.

    `theta` in robust standard deviations; `min_rel` a share of the expected level; `min_abs`, `hard_lo` and
    `hard_hi` in units of the series; persistence in samples: at least `persist_k` of the last `persist_n`.
    `suppress` and `calendar` are what people know of the time: see `calendars`.

    Raises:
        ValueError: a field is out of its range; the message starts with the field's name.
    """

    theta: float = 8.0
    direction: Direction = "both"
    min_rel: float = 0.0
    min_abs: float = 0.0
    persist_k: int = 1
    persist_n: int = 1
    baseline: Baseline = "level"
    hard_lo: float | None = None
    hard_hi: float | None = None
    suppress: Suppression | None = None
    calendar: CalendarException | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.theta) and self.theta > 0):
            raise ValueError("theta must be a positive number")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}")
        if self.baseline not in BASELINES:
            raise ValueError(f"baseline must be one of {', '.join(BASELINES)}")
        for name in ("min_rel", "min_abs"):
            value = cast("float", getattr(self, name))
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number that is not negative")
        if not 1 <= self.persist_k <= self.persist_n <= MAX_PERSISTENCE:
            raise ValueError(f"persist_k and persist_n must satisfy 1 <= k <= n <= {MAX_PERSISTENCE}")
        _check_limits(self.hard_lo, self.hard_hi)


def _check_limits(lo: float | None, hi: float | None) -> None:
    for name, value in (("hard_lo", lo), ("hard_hi", hi)):
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{name} must be a finite number")
    if lo is not None and hi is not None and lo >= hi:
        raise ValueError("hard_lo must be below hard_hi")
