"""Fact views: views whose columns other rooms fill with what they know, row by row, without a release.

A view is an entry of `VIEWS`; like that of a profile its schema never changes meaning: another schema is
another view. `fact_checks` holds what may stand in a column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from apps.common.errors import InvalidInputError

from .names import (
    FAILURE_MODE,
    FAILURE_MODE_PRIOR,
    INCIDENT_LABEL,
    JOIN_KEY,
    REMEDIATION_PRIOR,
    SERVICE,
    SERVICE_HISTORY,
    SERVICE_TIER,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind: TypeAlias = Literal["count", "share", "chance", "amount", "moment", "code", "json"]

# What a row says of itself.
ROW_TYPES = {"version": "int", "known_at_iso": "str"}
SEPARATOR = "/"  # between the parts of an entity: no part of a composite key may hold it
_TYPES: dict[str, str] = {
    "count": "int",
    "share": "float",
    "chance": "float",
    "amount": "float",
    "moment": "str",
    "code": "str",
    "json": "str",
}


@dataclass(frozen=True)
class FactView:
    """One view, which is also a feature service of that name.

    An entity is one text: the values of `join_keys` in their order, joined by a slash. `shares_of` is the
    count that columns of kind share need. A view that is not `is_online` is for training alone.
    """

    name: str
    join_keys: tuple[str, ...]
    description: str
    kinds: Mapping[str, Kind]
    shares_of: str = ""
    is_online: bool = True

    @property
    def types(self) -> dict[str, str]:
        """Every column that is served, with its type, in order."""
        return {name: _TYPES[kind] for name, kind in self.kinds.items()} | ROW_TYPES

    def parts(self, entity: str) -> list[str]:
        """The values of the join keys; a single one may itself hold a slash, as a series does."""
        return [entity] if len(self.join_keys) == 1 else entity.split(SEPARATOR)

    def is_float(self, column: str) -> bool:
        """Whether a column holds numbers that need not be whole."""
        return _TYPES[self.kinds[column]] == "float"


VIEWS = {
    view.name: view
    for view in (
        FactView(
            name=SERVICE_HISTORY,
            join_keys=(SERVICE,),
            description="Incidents, reviews and open actions of a service, as of now or (historical) as of then",  # noqa: E501
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
        FactView(
            name=FAILURE_MODE_PRIOR,
            join_keys=(SERVICE,),
            description="How likely each failure mode of this service is: its reviews, smoothed to the fleet",
            kinds={
                "n_reviews": "count",
                "prior_weight": "amount",  # how many reviews the fleet's shares count as
                "top_mode": "code",
                "top_chance": "chance",
                "modes_json": "json",  # [{"mode", "n", "chance"}], the likeliest first
            },
        ),
        FactView(
            name=REMEDIATION_PRIOR,
            join_keys=(FAILURE_MODE, SERVICE_TIER),
            description="What ended incidents of a failure mode on a tier of service, how often and how soon",
            kinds={
                "n_reviews": "count",
                "top_remediation": "code",
                "top_attempted": "count",
                "top_succeeded": "count",
                "top_success_share": "share",
                "top_median_s": "amount",
                # a list of remediation, attempted, succeeded, success_share (low, high), timed, median_s
                "remediations_json": "json",
                "symptoms_json": "json",  # {vocabulary: {code: reviews}}: what was seen first
            },
            shares_of="top_attempted",
        ),
        FactView(
            name=INCIDENT_LABEL,
            join_keys=(JOIN_KEY,),
            description="What intervals of a series turned out to be, as known then; for training only",
            kinds={
                "n_incidents": "count",
                "n_benign": "count",
                "intervals_json": "json",  # [{"start", "end", "kind"}] in UTC, both ends included, in order
                "complete_since_iso": "moment",  # older intervals are left out; null: all are there
            },
            is_online=False,
        ),
    )
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


def restore(view: FactView, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a stored row in their declared types: jsonb prints 1.0 as a whole number."""
    return {column: float(v) if view.is_float(column) else v for column, v in values.items()}
