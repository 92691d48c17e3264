"""Labelled incidents: NAB's `combined_windows.json`, or a CSV with `series,start,end` (and `kind`)."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.analysis.types import Interval

from .archive import read_member
from .errors import BrokenFileError
from .names import SeriesNameError, split_series_id
from .table import Stream, open_table
from .timestamps import TIMESTAMP_REMEDY, TimestampError, TimestampReader

NAB_WINDOWS = "labels/combined_windows.json"
KINDS = ("incident", "benign")
WINDOWS_REMEDY = 'The file must be JSON of the form {"service/metric.csv": [["start", "end"], …], …}.'


@dataclass(frozen=True, slots=True)
class Label:
    """One labelled interval of one series; `kind` is `incident`, or `benign` for what looked like one."""

    series_id: str
    interval: Interval
    kind: str = "incident"


def read_nab_windows(path: str | Path) -> dict[str, list[Interval]]:
    """Incidents by series id, from `combined_windows.json` or from the archive that holds it; ends included.

    Series without incidents have an empty list. Times are UTC.

    Raises:
        BrokenFileError: not such a file.
    """
    path = Path(path)
    data = read_member(path, NAB_WINDOWS) if is_archive(path) else _read(path)
    return parse_windows(data, file=str(path))


def is_archive(path: str | Path) -> bool:
    """Whether `path` is named as a gzipped tar."""
    return str(path).lower().endswith((".tar.gz", ".tgz"))


def parse_windows(data: bytes, *, file: str) -> dict[str, list[Interval]]:
    """`read_nab_windows` of bytes.

    Raises:
        BrokenFileError: not such a file.
    """
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise BrokenFileError(f"not JSON ({exc})", file=file, remedy=WINDOWS_REMEDY) from exc
    if not isinstance(content, dict):
        raise BrokenFileError("not an object of series", file=file, remedy=WINDOWS_REMEDY)
    windows: dict[str, list[Interval]] = {}
    for key, pairs in content.items():
        series_id = _series(key.removesuffix(".csv"), file, None)
        if not isinstance(pairs, list):
            raise BrokenFileError("not a list of windows", file=file, column=key, remedy=WINDOWS_REMEDY)
        windows[series_id] = [_window(pair, file, key) for pair in pairs]
    return windows


def _window(pair: Any, file: str, key: str) -> Interval:
    if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, str) for end in pair)):  # noqa: PLR2004
        raise BrokenFileError(
            "not a window", file=file, column=key, text=json.dumps(pair), remedy=WINDOWS_REMEDY
        )
    reader = TimestampReader()
    return _interval(reader, pair[0], pair[1], file=file, row=None, prefix=f"{key} ")


def read_incident_csv(path: str | Path, *, tz: str = "UTC") -> list[Label]:
    """Labels of a CSV file, in file order, each once; `kind` may be left out and is then `incident`.

    Raises:
        BrokenFileError: not such a file; names row, column and text.
        InvalidInputError: `tz` is no time zone.
    """
    try:
        with Path(path).open("rb") as stream:
            return read_incident_stream(stream, file=str(path), tz=tz)
    except OSError as exc:
        raise BrokenFileError(
            f"cannot be read ({exc.strerror})", file=str(path), remedy="Check the path and its permissions."
        ) from exc


def read_incident_stream(stream: Stream, *, file: str, tz: str = "UTC") -> list[Label]:
    """`read_incident_csv` of an open file."""
    reader = TimestampReader(tz)
    table = open_table(stream, file=file, wanted=("series", "start", "end"), optional=("kind",))
    labels: dict[Label, None] = {}
    for row, (series, start, end, kind) in table.rows:
        interval = _interval(reader, start, end, file=file, row=row)
        word = kind.strip().lower() or KINDS[0]
        if word not in KINDS:
            raise BrokenFileError(
                "no kind of label",
                file=file,
                row=row,
                column="kind",
                text=kind,
                remedy="Write incident or benign.",
            )
        labels[Label(_series(series.strip(), file, row), interval, word)] = None
    return list(labels)


def incidents_by_series(labels: list[Label]) -> dict[str, list[Interval]]:
    """The incidents alone, by series, in order of their start."""
    found: dict[str, list[Interval]] = {}
    for label in labels:
        if label.kind == "incident":
            found.setdefault(label.series_id, []).append(label.interval)
    return {
        name: sorted(intervals, key=lambda i: (i.start_us, i.end_us)) for name, intervals in found.items()
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise BrokenFileError(
            f"cannot be read ({exc.strerror})", file=str(path), remedy="Check the path and its permissions."
        ) from exc


def _series(text: str, file: str, row: int | None) -> str:
    try:
        return "/".join(split_series_id(unicodedata.normalize("NFC", text)))
    except SeriesNameError as exc:
        raise BrokenFileError(
            "not a series id", file=file, row=row, column="series", text=text, remedy=exc.remedy or ""
        ) from exc


def _interval(
    reader: TimestampReader, start: str, end: str, *, file: str, row: int | None, prefix: str = ""
) -> Interval:
    ends = []
    for column, text in (("start", start), ("end", end)):
        try:
            ends.append(reader.microseconds(text))
        except TimestampError as exc:
            raise BrokenFileError(
                str(exc), file=file, row=row, column=prefix + column, text=text, remedy=TIMESTAMP_REMEDY
            ) from exc
    if ends[1] < ends[0]:
        raise BrokenFileError(
            f"the end is before the start ({start})",
            file=file,
            row=row,
            column=prefix + "end",
            text=end,
            remedy="Swap the two, or mend the later one.",
        )
    return Interval(start_us=ends[0], end_us=ends[1])
