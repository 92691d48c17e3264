"""When two signals of one kind say nearly the same: what a misstep warns of.

Tolerances by kind: a threshold within half a doubling (a factor of 1.41); a minimum effect or a duration
within a factor of 1.5; persistence within one sample of k and a factor of 1.5 of n; a hard limit within a
tenth of the larger one; direction, baseline, recurrence and dates only where they are the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THETA_LOG2 = 0.5
FACTOR = 1.5
LIMIT = 0.1
K = 1


def near(kind: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two signals of this kind, given by their feature columns, are near one another. Symmetric.

    Raises:
        ValueError: an unknown kind.
    """
    judge = _JUDGES.get(kind)
    if judge is None:
        raise ValueError(f"kind must be one of {', '.join(_JUDGES)}")
    return judge(one, other)


def _theta(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(abs(one["theta_log2"] - other["theta_log2"]) <= THETA_LOG2 + 1e-9)


def _same(column: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], bool]:
    return lambda one, other: one[column] == other[column]


def _min_effect(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(_within_factor(one.get(name), other.get(name)) for name in ("min_rel", "min_abs"))


def _persistence(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return abs(one["persist_k"] - other["persist_k"]) <= K and _within_factor(
        one["persist_n"], other["persist_n"]
    )


def _hard_limit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(_within_share(one.get(name), other.get(name)) for name in ("hard_lo", "hard_hi"))


def _suppress(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    a, b = json.loads(one["suppress_json"]), json.loads(other["suppress_json"])
    return bool(a["rrule"] == b["rrule"]) and _within_factor(a["duration_s"], b["duration_s"])


def _calendar(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    a, b = json.loads(one["calendar_json"]), json.loads(other["calendar_json"])
    if (a.get("rrule"), a.get("dates")) != (b.get("rrule"), b.get("dates")):
        return False
    scales = [item["expectation"] for item in (a, b)]
    if all(isinstance(scale, dict) for scale in scales):
        return _within_factor(scales[0]["scale"], scales[1]["scale"])
    return bool(scales[0] == scales[1])


def _within_factor(one: float | None, other: float | None) -> bool:
    """Both absent, both 0, or no more than `FACTOR` apart."""
    if one is None or other is None:
        return one is other
    low, high = sorted((float(one), float(other)))
    return high <= low * FACTOR + 1e-9


def _within_share(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= LIMIT * max(abs(one), abs(other)) + 1e-9


_JUDGES: dict[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "theta_scale": _theta,
    "direction": _same("direction"),
    "min_effect": _min_effect,
    "persistence": _persistence,
    "baseline": _same("baseline"),
    "hard_limit": _hard_limit,
    "suppress": _suppress,
    "calendar_exception": _calendar,
}
