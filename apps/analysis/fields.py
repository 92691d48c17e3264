"""Checks of the fields of a typed signal; each refuses by a ValueError that starts with the field."""

from __future__ import annotations

import math
from collections.abc import Mapping


def object_of(
    value: object, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """The non-null fields of a JSON object with exactly the required keys, or at least one optional one."""
    if not isinstance(value, Mapping):
        raise ValueError(f"value must be an object with {', '.join(required or optional)}")  # noqa: TRY004
    fields = {str(key): item for key, item in value.items() if item is not None}
    unknown = sorted(set(fields) - set(required) - set(optional))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known here; the fields are {', '.join(required or optional)}")
    missing = [name for name in required if name not in fields]
    if missing or not fields:
        raise ValueError(f"{', '.join(missing) or ' or '.join(optional)} is missing")
    return fields


def number(value: object, name: str) -> float:
    """A finite number."""
    # A bool is an int to Python; as a threshold it is a mistake.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number")  # noqa: TRY004
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError(f"{name} must be a finite number") from error
    if not math.isfinite(found):
        raise ValueError(f"{name} must be a finite number")
    return found


def between(value: object, name: str, low: float, high: float) -> float:
    """A number from low to high, both included; `high` may be infinite."""
    found = number(value, name)
    if not low <= found <= high:
        limit = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise ValueError(f"{name} must be {limit}")
    return found


def whole(value: object, name: str) -> int:
    """A whole number."""
    found = number(value, name)
    if found != int(found):
        raise ValueError(f"{name} must be a whole number")
    return int(found)


def one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    """One of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")
    return value


def text_of(value: object, name: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text")  # noqa: TRY004
    return value
