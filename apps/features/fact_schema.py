"""Fact views: views whose columns other rooms fill with what they know, row by row, without a release.

A view is an entry of `VIEWS`; like that of a profile its schema never changes meaning: another schema is
another view.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from apps.catalog.models import MAX_SLUG, SLUG_PATTERN
from apps.common.errors import InvalidInputError
from apps.common.times import iso_us

from .names import SERVICE, SERVICE_HISTORY

Kind: TypeAlias = Literal["count", "share", "chance", "moment"]

# What a row says of itself.
ROW_TYPES = {"version": "int", "known_at_iso": "str"}
MAX_COUNT = 2**31 - 1
_TYPES: dict[str, str] = {"count": "int", "share": "float", "chance": "float", "moment": "str"}


@dataclass(frozen=True)
class FactView:
    """One view, which is also a feature service of that name; `shares_of` is the count that shares need."""

    name: str
    join_key: str
    description: str
    kinds: Mapping[str, Kind]
    shares_of: str

    @property
    def types(self) -> dict[str, str]:
        """Every column that is served, with its type, in order."""
        return {name: _TYPES[kind] for name, kind in self.kinds.items()} | ROW_TYPES


VIEWS = {
    SERVICE_HISTORY: FactView(
        name=SERVICE_HISTORY,
        join_key=SERVICE,
        description="Incidents, reviews and open actions of a service, as of now or (historical) as of then",
        kinds={
            "incidents_7d": "count",
            "incidents_30d": "count",
            "incidents_90d": "count",
            "n_incidents": "count",
            "last_incident_at_iso": "moment",
            "repeat_share": "share",
            "human_detected_share": "share",
            "change_induced_share": "share",
            "n_reviews": "count",
            "open_actions": "count",
            "risk_next_7d": "chance",
        },
        shares_of="n_reviews",
    ),
}


def find(view: Any) -> FactView:
    """The fact view of this name.

    Raises:
        InvalidInputError: there is none.
    """
    found = VIEWS.get(view) if isinstance(view, str) else None
    if found is None:
        raise InvalidInputError(
            f"There is no view {view!r}.", field="view", remedy=f"There are: {', '.join(VIEWS)}."
        )
    return found


def check_entity(view: FactView, entity: Any) -> str:
    """`entity` itself, if it is a slug.

    Raises:
        InvalidInputError: it is not.
    """
    fits = isinstance(entity, str) and len(entity) <= MAX_SLUG and "\x00" not in entity
    if not fits or not re.fullmatch(SLUG_PATTERN, entity):
        raise InvalidInputError(f"{entity!r} is not the slug of a {view.join_key}.", field="entity")
    return str(entity)


def check(view: FactView, values: Any) -> dict[str, Any]:
    """`values` in their declared types; None takes a fact back.

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


def restore(view: FactView, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a stored row in their declared types: jsonb prints 1.0 as a whole number."""
    return {c: float(v) if _TYPES[view.kinds[c]] == "float" else v for c, v in values.items()}


def _count(column: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise InvalidInputError(f"{column} is a whole number from 0, not {value!r}.", field=column)
    return value


def _share(column: str, value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # NaN neither
        raise InvalidInputError(f"{column} is a number from 0 to 1, not {value!r}.", field=column)
    return float(value) + 0.0  # no negative zero: the database does not keep it


def _moment(column: str, value: Any) -> str:
    try:
        return iso_us(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(f"{column} is a moment with a zone, not {value!r}.", field=column) from error


_CHECKS = {"count": _count, "share": _share, "chance": _share, "moment": _moment}
