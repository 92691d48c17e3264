"""Signals, scopes and verdicts in words that somebody on call understands without the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DIRECTIONS = {
    "up": "Alarm only when the value rises",
    "down": "Alarm only when the value falls",
    "both": "Alarm when the value rises and when it falls",
}
BASELINES = {
    "level": "Expect the level of the last day",
    "daily": "Expect what was seen at this time of day",
    "weekly": "Expect what was seen at this time of the week",
    "either": "Expect whichever fits closest: the level, this time of day or this time of the week",
}


def signal(kind: str, value: Any) -> str:
    """One signal as a sentence without its full stop."""
    words = _WORDS.get(kind)
    return words(value) if words else f"{kind}: {value}"


def scope(given: Mapping[str, Any]) -> str:
    """What a scope stands for."""
    if "series" in given:
        count = len(given["series"])
        return str(given["series"][0]) if count == 1 else f"{count} series"
    if "metric_family" in given:
        return f"{given['metric_family']} of {given['service']}"
    if "service" in given:
        return f"all series of {given['service']}"
    return "all series of the fleet"


def number(value: float) -> str:
    """A number without needless digits."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004  # from here it has groups


def _field(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else value


def _theta_scale(value: Any) -> str:
    factor = 2.0 ** float(_field(value, "log2"))
    return f"Set the alarm threshold to {number(factor)} times the usual one"


def _direction(value: Any) -> str:
    return DIRECTIONS[_field(value, "direction")]


def _baseline(value: Any) -> str:
    return BASELINES[_field(value, "baseline")]


def _min_effect(value: Any) -> str:
    parts = []
    if value.get("rel") is not None:
        parts.append(f"{number(100 * value['rel'])} % of the expected level")
    if value.get("abs") is not None:
        parts.append(f"{number(value['abs'])} in units of the series")
    return f"Alarm only at a distance of {' and '.join(parts)} or more"


def _persistence(value: Any) -> str:
    return f"Alarm only when {value['k']} of {value['n']} samples in a row are past the threshold"


def _hard_limit(value: Any) -> str:
    parts = []
    if value.get("lo") is not None:
        parts.append(f"below {number(value['lo'])}")
    if value.get("hi") is not None:
        parts.append(f"above {number(value['hi'])}")
    return f"Always alarm {' and '.join(parts)}"


def _suppress(value: Any) -> str:
    return f"Say nothing in windows that recur: {_listed(value)}"


def _calendar_exception(value: Any) -> str:
    return f"Treat days that are not like others by themselves: {_listed(value)}"


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {_listed(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_listed(item) for item in value)
    return str(value)


_WORDS: dict[str, Callable[[Any], str]] = {
    "theta_scale": _theta_scale,
    "direction": _direction,
    "baseline": _baseline,
    "min_effect": _min_effect,
    "persistence": _persistence,
    "hard_limit": _hard_limit,
    "suppress": _suppress,
    "calendar_exception": _calendar_exception,
}
