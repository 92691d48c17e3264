"""Files of series and labels, read without a database: pure functions for imports and replays alike."""

from __future__ import annotations

from .archive import iter_archive, read_archive
from .csv_file import SeriesFile, read_bytes, read_csv, read_stream
from .errors import BrokenFileError
from .folder import Contents, Skipped, iter_folder, list_folder, read_folder
from .labels import (
    Label,
    incidents_by_series,
    is_archive,
    parse_windows,
    read_incident_csv,
    read_incident_stream,
    read_nab_windows,
)
from .names import SeriesNameError, metric_family, series_id, split_series_id
from .report import Report

__all__ = [
    "BrokenFileError",
    "Contents",
    "Label",
    "Report",
    "SeriesFile",
    "SeriesNameError",
    "Skipped",
    "incidents_by_series",
    "is_archive",
    "iter_archive",
    "iter_folder",
    "list_folder",
    "metric_family",
    "parse_windows",
    "read_archive",
    "read_bytes",
    "read_csv",
    "read_folder",
    "read_incident_csv",
    "read_incident_stream",
    "read_nab_windows",
    "read_stream",
    "series_id",
    "split_series_id",
]
