"""What a consumer may see of a row: nothing expired, nothing below the confidence it asks for.

Feast enforces no lifetime online, and confidence is not its business; both are decided here, per column,
from the sources of the row. Sources are looked up only for rows whose summary columns say that something may
be hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from .schema import CONTENT_COLUMNS, SUMMARY_COLUMNS, summary

WITHHELD = "withheld"
Sources = Mapping[str, Mapping[str, Any]]
Pair = tuple[str, int]  # series and the release of its row

_SOURCES = """
    SELECT r.series, r.release_id, r.sources
    FROM unnest(%s::text[], %s::int[]) AS k (series, release)
    JOIN features_profilerow r ON r.series = k.series AND r.release_id = k.release
"""


@dataclass(frozen=True)
class Mask:
    """Columns to blank, and the columns whose value changes with that."""

    hidden: frozenset[str]
    replaced: Mapping[str, Any]


def may_hide(*, confidence: Any, expires_at: Any, min_confidence: float | None, at: str) -> bool:
    """Whether a row with these summary columns may have something to hide at `at` (ISO text with six
    digits)."""
    low = min_confidence is not None and isinstance(confidence, float) and confidence < min_confidence
    return low or (isinstance(expires_at, str) and expires_at <= at)


def mask(sources: Sources, *, min_confidence: float | None, at: str) -> Mask:
    """What of a row with these `sources` is hidden from a consumer who asks for `min_confidence` at `at`."""
    kept = {
        column: source
        for column, source in sources.items()
        if (min_confidence is None or source["confidence"] >= min_confidence)
        and (not source.get("expires_at") or source["expires_at"] > at)
    }
    if len(kept) == len(sources):
        return Mask(frozenset(), {})
    replaced: dict[str, Any] = {**dict.fromkeys(SUMMARY_COLUMNS), **summary(kept)}
    if not kept:
        replaced["status"] = WITHHELD
    return Mask(frozenset(CONTENT_COLUMNS) - kept.keys(), replaced)


def look_up(pairs: Iterable[Pair]) -> dict[Pair, Sources]:
    """The sources of the rows with these series and releases."""
    wanted = sorted(set(pairs))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SOURCES, [[series for series, _ in wanted], [release for _, release in wanted]])
        return {(series, release): _loaded(sources) for series, release, sources in cursor.fetchall()}


def _loaded(sources: Any) -> Sources:
    # Django hands jsonb of raw queries over as text.
    loaded: Sources = json.loads(sources) if isinstance(sources, str) else sources
    return loaded
