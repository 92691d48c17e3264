"""Effects and counts as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from apps.actions.models import Metric
from apps.ui import figures

if TYPE_CHECKING:
    from collections.abc import Callable

MINUS = "\N{MINUS SIGN}"
RATIOS = frozenset({Metric.FALSE_ALARMS, Metric.INCIDENT_COUNT, Metric.TIME_TO_RESOLVE})
"""Metrics whose effect is the natural log of a ratio."""


def effect(metric: str, value: float | None) -> str:
    """An effect with its sign and unit; a bound that is open has no number."""
    return _CONVERT.get(Metric(metric), points)(value)


def size(metric: str, value: float | None) -> str:
    """A smallest effect without its sign, as actions declare it."""
    if value is None:
        return "none: too little happened"
    if metric == Metric.TIME_TO_DETECT:
        return figures.duration(value)
    return f"{100 * value:.0f} %" if metric in RATIOS else f"{100 * value:.0f} points"


def drawn(metric: str, value: float | None) -> float | None:
    """An effect on the scale of its picture: per cent, points or minutes."""
    if value is None:
        return None
    if metric == Metric.TIME_TO_DETECT:
        return value / 60
    return 100 * (math.expm1(value) if metric in RATIOS else value)


def change(value: float | None) -> str:
    """The log of a ratio as a change in per cent."""
    return figures.NOTHING if value is None else signed(100 * math.expm1(value), " %")


def points(value: float | None) -> str:
    """A difference of shares."""
    return figures.NOTHING if value is None else signed(100 * value, " points")


def delay(value: float | None) -> str:
    """Seconds earlier or later."""
    if value is None:
        return "no bound"
    return f"{MINUS if value < 0 else '+'}{figures.duration(abs(value))}" if value else "0 s"


def signed(number: float, unit: str) -> str:
    """A whole number with its sign."""
    rounded = round(number)
    sign = MINUS if rounded < 0 else "+" if rounded else ""
    return f"{sign}{abs(rounded):,}{unit}"


def counted(number: int, words: tuple[str, str]) -> str:
    """`1 drill`, `2 drills`."""
    return f"{number:,} {words[number != 1]}"


def lower_first(text: str) -> str:
    """With a small first letter, to go on after a colon."""
    return text[:1].lower() + text[1:]


_CONVERT: dict[Metric, Callable[[float | None], str]] = {
    **dict.fromkeys(RATIOS, change),
    Metric.TIME_TO_DETECT: delay,
}
