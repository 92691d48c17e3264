"""Numbers, shares and lengths of time as people read them."""

from __future__ import annotations

import math
from typing import Final

NOTHING: Final = "\N{EN DASH}"
NARROW: Final = "\u202f"  # a thin space that does not break, between thousands and before units
MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
_FULL_DIGITS: Final = 100  # from here on, digits behind the point say nothing


def figure(value: float | None, *, signed: bool = False) -> str:
    """Group thousands, and round to about three significant digits: 12 345, 41.2, 0.00312.

    Whole numbers are never rounded. None and NaN are a dash.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    sign = "\N{MINUS SIGN}" if value < 0 else "+" if signed and value > 0 else ""
    return sign + _digits(abs(value)).replace(",", NARROW)


def _digits(value: float) -> str:
    if value == 0 or float(value).is_integer() or value >= _FULL_DIGITS:
        return f"{value:,.0f}"
    if value >= 1:
        return f"{value:.3g}"
    if value < 1e-4:  # noqa: PLR2004  # smaller ones would be zeros only
        return f"{value:.1e}"
    decimals = 2 - math.floor(math.log10(value))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def percent(share: float | None, *, decimals: int = 0) -> str:
    """`0.256` as `26 %`; a share between 0 and half a percent never reads as none."""
    if share is None or not math.isfinite(share):
        return NOTHING
    smallest = 10.0**-decimals / 100
    if 0 < share < smallest / 2:
        return f"< {smallest * 100:.{decimals}f}{NARROW}%"
    if 1 - smallest / 2 < share < 1:
        return f"> {(1 - smallest) * 100:.{decimals}f}{NARROW}%"
    sign = "\N{MINUS SIGN}" if share < 0 else ""
    return f"{sign}{abs(share) * 100:.{decimals}f}{NARROW}%"


def duration(seconds: float | None) -> str:
    """The two largest units: `45 s`, `1 h 20 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    sign = "\N{MINUS SIGN}" if seconds < 0 else ""
    rest = abs(seconds)
    if 0 < rest < 1:
        return f"{sign}{figure(rest)} s"
    if rest < MINUTE - 0.5:
        return f"{sign}{rest:.0f} s"
    for unit, name, below, below_name in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min")):
        if rest >= unit - below / 2:
            whole, part = divmod(round(rest / below), unit // below)
            return f"{sign}{whole} {name}" + (f" {part} {below_name}" if part else "")
    whole, part = divmod(round(rest), MINUTE)
    return f"{sign}{whole} min" + (f" {part} s" if part and whole < 10 else "")  # noqa: PLR2004
