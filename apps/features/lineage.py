"""From a served value back to the insight and the lines of the document that taught it."""

from __future__ import annotations

from typing import Any

from apps.common.errors import NotFoundError
from apps.common.times import iso_us

from . import facts, reading
from .models import ProfileRow
from .names import SERVICE_HISTORY
from .releases import get_release
from .schema import SUMMARY_COLUMNS, check_series
from .store import open_store

MAX_FACT_ROWS = 200


def trace(*, series: str, release: int | None = None, min_confidence: float | None = None) -> dict[str, Any]:
    """Where each value comes from that `series` is served under `release` (what is served now if None).

    A consumer with a `min_confidence` learns nothing of values below it (A20).

    Raises:
        InvalidInputError: not a series id.
        NotFoundError: no such release, nothing published yet, or a series that it knows nothing of.
    """
    check_series(series)
    number = _served(series) if release is None else get_release(release).number
    row = ProfileRow.objects.filter(series=series, release_id__lte=number).order_by("-release_id").first()
    if row is None:
        raise NotFoundError(f"Release {number} knows nothing of {series}.", field="series")
    return {
        "series": series,
        "release": number,
        "row_release": row.release_id,
        "version": row.version,
        "status": row.status,
        "known_at": iso_us(row.known_at),
        "values": {
            column: {"value": value, **_EMPTY, **row.sources[column]}
            for column, value in sorted(row.values.items())
            if column not in SUMMARY_COLUMNS
            and (min_confidence is None or row.sources[column]["confidence"] >= min_confidence)
        },
    }


def trace_facts(*, service: str) -> dict[str, Any]:
    """The rows of a service's history, newest first, each with the facts that it changed.

    The rooms that own the facts hold the incidents, reviews and actions behind them.

    Raises:
        NotFoundError: nothing is known of this service.
    """
    rows = facts.history(SERVICE_HISTORY, service, limit=MAX_FACT_ROWS + 1)
    if not rows:
        raise NotFoundError(f"Nothing is known of the service {service}.", field="service")
    before = {row.version: row.values for row in rows}
    return {
        "service": service,
        "view": SERVICE_HISTORY,
        "rows": [
            {
                "version": row.version,
                "known_at": iso_us(row.known_at),
                "values": row.values,
                "changed": _changed(before.get(row.version - 1, {}), row.values),
            }
            for row in rows[:MAX_FACT_ROWS]
        ],
    }


def _changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(column for column in old.keys() | new.keys() if old.get(column) != new.get(column))


_EMPTY: dict[str, Any] = dict.fromkeys(
    ("insight", "revision", "signal", "confidence", "expires_at", "document", "sha256", "lines", "excerpt")
)


def _served(series: str) -> int:
    number = reading.served_release(open_store(), series)
    if number is None:
        raise NotFoundError("Nothing has been released yet.", field="release")
    return number
