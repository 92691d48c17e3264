"""What may stand in a row of facts: its entity, and each column by its kind."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from apps.catalog.models import MAX_SLUG, SLUG_PATTERN
from apps.common.canonical import canonical_json
from apps.common.errors import DomainError, InvalidInputError
from apps.common.times import iso_us

from .names import JOIN_KEY, SERVICE
from .schema import check_series

if TYPE_CHECKING:
    from .fact_schema import FactView

MAX_COUNT = 2**31 - 1
MAX_JSON = 100_000  # bytes: a row is appended whole at each change
_CODE = r"[a-z][a-z0-9_]{0,59}"


def check_entity(view: FactView, entity: Any) -> str:
    """`entity` itself, if it is one of this view's: a slug, a series id, or codes joined by a slash.

    Raises:
        InvalidInputError: it is not.
    """
    fits = isinstance(entity, str) and "\x00" not in entity
    parts = view.parts(entity) if fits else []
    if len(parts) != len(view.join_keys) or not all(map(_fits, view.join_keys, parts)):
        form = "the slug of a service" if view.join_keys == (SERVICE,) else "/".join(view.join_keys)
        raise InvalidInputError(f"{entity!r} is not {form}.", field="entity")
    return str(entity)


def check(view: FactView, values: Any) -> dict[str, Any]:
    """`values` in their declared types; None takes a fact back. Objects and lists become canonical JSON.

    Raises:
        InvalidInputError: unknown column, or a value of another type or range; `field` names the column.
    """
    if not isinstance(values, Mapping):
        raise InvalidInputError("values is an object of columns.", field="values")
    checked = {}
    for column, value in values.items():
        if column not in view.kinds:
            raise InvalidInputError(f"{column!r} is not a column of {view.name}.", field=str(column))
        checked[column] = None if value is None else _CHECKS[view.kinds[column]](column, value)
    return checked


def check_shares(view: FactView, values: Mapping[str, Any]) -> None:
    """A share stands only beside the number of cases that it is of.

    Raises:
        InvalidInputError: that number is missing or 0.
    """
    shares = [name for name, kind in view.kinds.items() if kind == "share" and values.get(name) is not None]
    if shares and not values.get(view.shares_of):
        raise InvalidInputError(
            f"{shares[0]} is a share of {view.shares_of}, which must be at least 1.",
            field=shares[0],
            remedy=f"Give {view.shares_of} with it, or null while there is none.",
        )


def _fits(key: str, part: str) -> bool:
    if key == SERVICE:
        return len(part) <= MAX_SLUG and re.fullmatch(SLUG_PATTERN, part) is not None
    if key == JOIN_KEY:
        try:
            return check_series(part) == part
        except DomainError:
            return False
    return re.fullmatch(_CODE, part) is not None


def _count(column: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise InvalidInputError(f"{column} is a whole number from 0, not {value!r}.", field=column)
    return value


def _share(column: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # NaN neither
        raise InvalidInputError(f"{column} is a number from 0 to 1, not {value!r}.", field=column)
    return float(value) + 0.0  # no negative zero: the database does not keep it


def _amount(column: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < math.inf:
        raise InvalidInputError(f"{column} is a finite number from 0, not {value!r}.", field=column)
    return float(value) + 0.0


def _moment(column: str, value: Any) -> str:
    try:
        return iso_us(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"{column} is a moment with a zone, not {value!r}.", field=column) from error


def _code(column: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(_CODE, value):
        raise InvalidInputError(f"{column} is the code of a term, not {value!r}.", field=column)
    return value


def _json(column: str, value: Any) -> str:
    if not isinstance(value, dict | list):
        raise InvalidInputError(f"{column} is an object or a list, not {value!r}.", field=column)
    try:
        text = canonical_json(value)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{column} cannot be written as JSON: {error}.", field=column) from error
    if len(text) > MAX_JSON or b"\\u0000" in text:
        raise InvalidInputError(
            f"{column} takes {len(text):,} bytes (at most {MAX_JSON:,}), or holds a NUL.", field=column
        )
    return text.decode()


_CHECKS = {
    "count": _count,
    "share": _share,
    "chance": _share,
    "amount": _amount,
    "moment": _moment,
    "code": _code,
    "json": _json,
}
