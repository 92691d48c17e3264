"""One series from one CSV file with the columns `timestamp` and `value`."""

from __future__ import annotations

import hashlib
import io
import math
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.types import Telemetry

from .cleaning import clean
from .errors import BrokenFileError
from .names import SeriesNameError, series_id
from .report import Report
from .table import Stream, open_table
from .timestamps import TIMESTAMP_REMEDY, TimestampError, TimestampReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

NO_VALUE = frozenset({"", "nan", "null", "none", "na", "n/a", "-"})
VALUE_REMEDY = "Write plain numbers such as 12.5 or 1e6; leave the field empty where there is no value."


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """A clean series: `times` (n,) int64 microseconds since 1970 UTC, increasing; `values` (n,) finite."""

    series_id: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    report: Report

    @property
    def telemetry(self) -> Telemetry:
        return Telemetry(times=self.times, values=self.values)


def read_csv(path: str | Path, *, service: str | None = None, tz: str = "UTC") -> SeriesFile:
    """The series of one file, named after its folder (or `service`) and its own name: `checkout/latency.csv`.

    Raises:
        BrokenFileError: nothing of the file can be used, see `read_stream`; or its name makes no series id.
        InvalidInputError: `tz` is no time zone.
    """
    path = Path(path)
    name = file_series_id(service or path.absolute().parent.name, path.name)
    try:
        with path.open("rb") as stream:
            return read_stream(stream, series_id=name, file=str(path), tz=tz)
    except OSError as exc:
        raise BrokenFileError(
            f"cannot be read ({exc.strerror})", file=str(path), remedy="Check the path and its permissions."
        ) from exc


def file_series_id(service: str, file_name: str) -> str:
    """`service/metric` where the metric is the file name without `.csv`.

    Raises:
        BrokenFileError: that makes no series id.
    """
    try:
        return series_id(service, file_name[:-4] if file_name.lower().endswith(".csv") else file_name)
    except SeriesNameError as exc:
        raise BrokenFileError(
            "its name makes no series id",
            file=f"{service}/{file_name}",
            text=f"{service}/{file_name}",
            remedy=f"Rename the folder or the file. {exc.remedy}",
        ) from exc


def read_bytes(data: bytes, *, series_id: str, file: str, tz: str = "UTC") -> SeriesFile:
    """`read_stream` of bytes in memory."""
    return read_stream(io.BytesIO(data), series_id=series_id, file=file, tz=tz)


def read_stream(stream: Stream, *, series_id: str, file: str, tz: str = "UTC") -> SeriesFile:
    """Read row by row: memory grows by 24 bytes a sample, not by the size of the file.

    Raises:
        BrokenFileError: not UTF-8, a NUL, no `timestamp` or `value` column, a row with another number of
            fields, a timestamp or value that is none, no sample. Names file, row, column, text and remedy.
        InvalidInputError: `tz` is no time zone.
    """
    report = Report(file=file, sha256=hashlib.file_digest(stream, "sha256").hexdigest())
    stream.seek(0)
    reader = TimestampReader(tz)
    times, values, rows = array("q"), array("d"), array("q")
    table = open_table(stream, file=file, wanted=("timestamp", "value"))
    for row, (stamp, text) in table.rows:
        report.rows += 1
        moment_us = _moment(reader, stamp, report, row)
        value = _value(text, report, row)
        if value is not None:
            times.append(moment_us)
            values.append(value)
            rows.append(row)
    _note_form(report, reader, table.ignored, table.blank)
    if not times:
        raise BrokenFileError(
            "no sample in it" if not report.rows else "not one row with a value",
            file=file,
            remedy="A series needs at least one row with a time and a number.",
        )
    cleaned = clean(
        np.frombuffer(times, dtype=np.int64),
        np.frombuffer(values, dtype=np.float64),
        np.frombuffer(rows, dtype=np.int64),
        report,
    )
    return SeriesFile(series_id, *cleaned, report)


def _moment(reader: TimestampReader, text: str, report: Report, row: int) -> int:
    try:
        moment_us = reader.microseconds(text)
    except TimestampError as exc:
        raise BrokenFileError(
            str(exc), file=report.file, row=row, column="timestamp", text=text, remedy=TIMESTAMP_REMEDY
        ) from exc
    if reader.last_oddity:
        report.add(reader.last_oddity, row=row, first=text.strip(), zone=reader.tz)
    return moment_us


def _value(text: str, report: Report, row: int) -> float | None:
    """The number, or None for one that is missing or infinite, which is counted in the report."""
    try:
        value = float(text)
    except ValueError:
        value = None
    # float() also takes 1_000 and the digits of other scripts, which no exporter writes
    if value is None or "_" in text or not text.isascii():
        if text.strip().lower() in NO_VALUE:
            report.add("missing_values", row=row)
            return None
        raise BrokenFileError(
            "not a number", file=report.file, row=row, column="value", text=text, remedy=VALUE_REMEDY
        )
    if math.isfinite(value):
        return value
    report.add("missing_values" if math.isnan(value) else "infinite_values", row=row)
    return None


def _note_form(report: Report, reader: TimestampReader, ignored: list[str], blank: list[int]) -> None:
    if ignored:
        report.add("ignored_columns", row=1, count=len(ignored), columns=ignored)
    if blank:
        report.add("blank_rows", row=blank[0], count=len(blank))
    zoned = sum(count for offset, count in reader.offsets.items() if offset)
    naive = reader.offsets[""]
    if (naive and zoned) or len([offset for offset in reader.offsets if offset]) > 1:
        none = f"none (read in {reader.tz})"
        written = {offset or none: n for offset, n in sorted(reader.offsets.items()) if n}
        report.add("mixed_zones", row=None, count=min(zoned, naive) or zoned, zones=written)
