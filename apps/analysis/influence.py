"""How far a change moves what a series is served, in doublings: what the caps on one author add up.

`theta` is the distance of thresholds in powers of two. `other` adds up the rest, each on a scale on which one
is about "half of what could alarm": the minimum effect beside the usual quarter, persistence, and the share
of the week that a suppression silences, as powers of two; what has no scale of its own (direction, baseline,
hard limits, an absolute minimum effect, a calendar) counts as one each time it changes.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .profiles import DEFAULT_SETTING
from .recurrence import busiest_week_share
from .rrules import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

CAP_THETA = 2.0
"""Doublings of the threshold of one series by one author within the window: a factor of four."""
CAP_OTHER = 3.0
"""The same of everything else."""
CAP_SERIES = 50
"""Series that one author may move within the window, however small the fleet."""
CAP_SHARE = 0.25
"""The share of a larger fleet that one author may move within the window."""
WINDOW_DAYS = 28
SLACK = 1e-9  # of sums of floats
UNCOUNTED = ("direction", "baseline", "min_abs", "hard_lo", "hard_hi", "calendar_json")
LEAST_SILENCE = 0.25
MOST_SILENCE = 16.0
SECOND_US = 1_000_000


@dataclass(frozen=True)
class Movement:
    """Distances, both at least 0, in doublings."""

    theta: float = 0.0
    other: float = 0.0


def movement(before: Mapping[str, Any], after: Mapping[str, Any]) -> Movement:
    """How far the columns of one series move from `before` to `after`; an absent column is the default."""
    theta = abs((after.get("theta_log2") or 0.0) - (before.get("theta_log2") or 0.0))
    other = _min_rel(before, after) + _persistence(before, after) + _silence(before, after)
    other += sum(before.get(name) != after.get(name) for name in UNCOUNTED)
    return Movement(theta, other)


def most_series(fleet: int) -> int:
    """How many series of a fleet one author may move within the window."""
    return max(CAP_SERIES, math.floor(CAP_SHARE * fleet))


def _min_rel(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    usual = DEFAULT_SETTING.min_rel

    def level(vector: Mapping[str, Any]) -> float:
        value = vector.get("min_rel")
        return usual + (usual if value is None else float(value))

    return abs(math.log2(level(after) / level(before)))


def _persistence(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    def k(vector: Mapping[str, Any]) -> int:
        return int(vector.get("persist_k") or DEFAULT_SETTING.persist_k)

    return abs(math.log2(k(after) / k(before)))


def _silence(before: Mapping[str, Any], after: Mapping[str, Any]) -> float:
    old, new = before.get("suppress_json"), after.get("suppress_json")
    if old == new:
        return 0.0
    return max(LEAST_SILENCE, abs(_silent(new) - _silent(old)))


@lru_cache(maxsize=512)
def _silent(text: str | None) -> float:
    if text is None:
        return 0.0
    fields = json.loads(text)
    share = busiest_week_share(parse(fields["rrule"]), int(fields["duration_s"]) * SECOND_US)
    return min(MOST_SILENCE, -math.log2(max(1 - share, 2**-MOST_SILENCE)))
