"""Series from CSV files with the columns `timestamp` and `value`. A small reader: the detector stands alone.

`FOLDER/service/metric.csv` is the series `service/metric`. Times without a zone are UTC. Rows without a value
are left out, rows are sorted, of rows of one time the last counts: as the server reads the same file.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.types import Telemetry

from .errors import DetectorError

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_VALUE = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})
# Up to 11 digits are seconds since 1970, up to 14 milliseconds, up to 17 microseconds, else nanoseconds.
UNITS = ((10**11, 10**6, 1), (10**14, 10**3, 1), (10**17, 1, 1), (10**20, 1, 1000))


def find(path: Path) -> dict[str, Path]:
    """Files by series id: of one file, or of a folder of folders.

    Raises:
        DetectorError: nothing there.
    """
    files = [path] if path.is_file() else sorted(path.glob("*/*.csv"))
    if not files:
        raise DetectorError(f"There is no series in {path}. Put each at {path}/service/metric.csv.")
    return {f"{file.absolute().parent.name}/{file.name.removesuffix('.csv')}": file for file in files}


def read(path: Path) -> Telemetry:
    """The series of one file.

    Raises:
        DetectorError: a row that cannot be read, by its number, or no column `timestamp` or `value`.
    """
    samples: dict[int, float] = {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or []]
        if not {"timestamp", "value"} <= set(rows.fieldnames):
            raise DetectorError(f"{path}, row 1: the columns timestamp and value are needed.")
        for row in rows:
            try:
                value = number(row["value"])
                if value is not None:
                    samples[microseconds(row["timestamp"])] = value
            except (ValueError, AttributeError) as exc:
                raise DetectorError(f"{path}, row {rows.line_num}: {exc}") from exc
    return from_samples(samples)


def from_samples(samples: dict[int, float]) -> Telemetry:
    """Values by microseconds since 1970 UTC, as a series."""
    times = np.array(sorted(samples), dtype=np.int64)
    return Telemetry(times=times, values=np.array([samples[at] for at in times.tolist()], dtype=np.float64))


def number(text: str) -> float | None:
    """The value, or None where there is none.

    Raises:
        ValueError: neither.
    """
    if text.strip().lower() in NO_VALUE:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def microseconds(text: str) -> int:
    """ISO 8601 (UTC if it names no zone), or a number since 1970, as microseconds since 1970 UTC.

    Raises:
        ValueError: neither.
    """
    text = text.strip()
    if text.lstrip("-").isdigit():
        size = int(text)
        for limit, times, divide in UNITS:
            if abs(size) < limit:
                return size * times // divide
        raise ValueError(f"no time: {text}")
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return (moment - EPOCH) // MICROSECOND


def iso(moment_us: int) -> str:
    """`2026-11-21T12:00:00.000000Z`."""
    return (EPOCH + timedelta(microseconds=moment_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
