"""Samples into the database: binary COPY into a temporary table, then one INSERT that knows what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from .models import Series

# https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format": signature, no flags, no header extension.
COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
COPY_ROW = np.dtype(
    [("fields", ">i2"), ("at_len", ">i4"), ("at", ">i8"), ("value_len", ">i4"), ("value", ">f8")]
)
POSTGRES_EPOCH_US = 946_684_800_000_000  # PostgreSQL counts microseconds from 2000-01-01 UTC
CHUNK = 100_000  # rows a time, about 2.6 MB


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows by what became of them. `first_change` is the earliest time whose value was replaced."""

    added: int
    same: int
    changed: int
    first_change: datetime | None


def load_samples(series: Series, times: NDArray[np.int64], values: NDArray[np.float64]) -> Loaded:
    """Store samples of a locked series: new ones are added, other values replace those that were there.

    `times` (n,) microseconds since 1970 UTC without repetition, `values` (n,) finite. The caller holds the
    lock on the row of the series, whose counts are brought up to date.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS telemetry_incoming "
            "(at timestamptz NOT NULL, value float8 NOT NULL) ON COMMIT DROP"
        )
        cursor.execute("TRUNCATE telemetry_incoming")
        with cursor.copy("COPY telemetry_incoming (at, value) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(COPY_HEAD)
            for start in range(0, len(times), CHUNK):
                copy.write(_packed(times[start : start + CHUNK], values[start : start + CHUNK]))
            copy.write(COPY_END)
        cursor.execute(
            "SELECT count(*) FILTER (WHERE s.value = i.value), count(*) FILTER (WHERE s.value <> i.value), "
            "min(i.at) FILTER (WHERE s.value <> i.value) "
            "FROM telemetry_incoming i JOIN telemetry_sample s ON s.series_id = %s AND s.at = i.at",
            [series.pk],
        )
        same, changed, first_change = cursor.fetchone() or (0, 0, None)
        cursor.execute(
            "INSERT INTO telemetry_sample (series_id, at, value) "
            "SELECT %s, at, value FROM telemetry_incoming "
            "ON CONFLICT (series_id, at) DO UPDATE SET value = EXCLUDED.value "
            "WHERE telemetry_sample.value <> EXCLUDED.value",
            [series.pk],
        )
    _describe(series)
    return Loaded(len(times) - same - changed, same, changed, first_change)


def _packed(times: NDArray[np.int64], values: NDArray[np.float64]) -> bytes:
    rows = np.empty(len(times), dtype=COPY_ROW)
    rows["fields"], rows["at_len"], rows["value_len"] = 2, 8, 8
    rows["at"] = times - POSTGRES_EPOCH_US
    rows["value"] = values
    return rows.tobytes()


def _describe(series: Series) -> None:
    """Bring count, span and cadence (the median step) up to date."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), min(at), max(at), percentile_cont(0.5) WITHIN GROUP (ORDER BY step) FROM "
            "(SELECT at, extract(epoch FROM at - lag(at) OVER (ORDER BY at))::float8 AS step "
            "FROM telemetry_sample WHERE series_id = %s) AS steps",
            [series.pk],
        )
        series.samples, series.first_at, series.last_at, series.cadence_s = cursor.fetchone() or (
            0,
            None,
            None,
            None,
        )
    series.save(update_fields=["samples", "first_at", "last_at", "cadence_s"])
