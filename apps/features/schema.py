"""The columns of a detection profile: their order and types, and the check that values fit them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from apps.analysis.profiles import VECTOR
from apps.common.errors import InvalidInputError
from apps.common.times import iso_us
from apps.telemetry.sources.names import split_series_id

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a row says of itself; everything else of the vector is content.
ROW_COLUMNS = ("status", "release", "version", "known_at_iso", "valid_from")
# Summaries of the sources of a row: the lowest confidence, the earliest expiry.
SUMMARY_COLUMNS = ("confidence", "expires_at")
TYPES: dict[str, str] = dict(VECTOR)
# Columns that an insight can fill.
CONTENT_COLUMNS: tuple[str, ...] = tuple(n for n in TYPES if n not in (*ROW_COLUMNS, *SUMMARY_COLUMNS))


@dataclass(frozen=True)
class ProfileContent:
    """What one series is served: column values (absent means null) and where each came from.

    `sources` holds for every filled column `insight`, `revision` and `confidence` (0 to 1), and may hold
    `signal`, `expires_at` (ISO, with zone), `document`, `sha256`, `lines` ([first, last]) and `excerpt`.
    """

    values: dict[str, Any]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)


def check_series(series: str) -> str:
    """`series` itself, if it is a series id (`service/metric`); telemetry says what that is.

    Raises:
        SeriesNameError: it is not.
    """
    split_series_id(series)
    return series


def normalise(content: ProfileContent) -> ProfileContent:
    """Values in their declared types, nulls dropped, summaries recomputed from the sources.

    Raises:
        InvalidInputError: unknown column, value of another type, or a value without a source.
    """
    values: dict[str, Any] = {}
    for column, value in content.values.items():
        if value is None or column in SUMMARY_COLUMNS:
            continue
        if column not in CONTENT_COLUMNS:
            raise InvalidInputError(f"{column!r} is not a column that an insight can fill.", field=column)
        values[column] = _typed(column, value)
    sources = {column: _source(column, content.sources.get(column)) for column in values}
    if values:
        values.update(summary(sources))
    return ProfileContent(values=values, sources=sources)


def restore(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a stored row in their declared types: jsonb prints 1e22 as an integer."""
    return {column: _typed(column, value) for column, value in values.items()}


def summary(sources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The lowest confidence and, where any source expires, the earliest expiry."""
    found: dict[str, Any] = {}
    if sources:
        found["confidence"] = min(float(source["confidence"]) for source in sources.values())
    expiries = [str(source["expires_at"]) for source in sources.values() if source.get("expires_at")]
    if expiries:
        found["expires_at"] = min(expiries)
    return found


def _typed(column: str, value: Any) -> Any:
    wanted = TYPES[column]
    if wanted == "str" and isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidInputError(f"{column} must be a {wanted}, not {value!r}.", field=column)
    if wanted == "float":
        return float(value) + 0.0  # no negative zero: the database does not keep it
    if wanted == "int" and float(value).is_integer():
        return int(value)
    raise InvalidInputError(f"{column} must be a {wanted}, not {value!r}.", field=column)


def _source(column: str, source: Mapping[str, Any] | None) -> dict[str, Any]:
    if source is None or source.get("insight") is None or source.get("confidence") is None:
        raise InvalidInputError(
            f"The value of {column} has no source: insight and confidence are needed.", field=column
        )
    kept = {key: value for key, value in source.items() if value is not None}
    confidence = kept["confidence"]
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        raise InvalidInputError(f"The confidence of {column} lies between 0 and 1.", field=column)
    kept["confidence"] = float(confidence)
    if "expires_at" in kept:
        kept["expires_at"] = _moment(column, kept["expires_at"])
    return kept


def _moment(column: str, value: Any) -> str:
    try:
        return iso_us(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
    except ValueError as error:
        raise InvalidInputError(
            f"expires_at of {column} is not a moment with a zone.", field=column
        ) from error
