"""Imports of a file, a folder or the benchmark archive: every file by itself, every outcome told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import services
from .sources import (
    BrokenFileError,
    SeriesFile,
    is_archive,
    iter_archive,
    list_folder,
    read_csv,
    read_nab_windows,
)
from .sources.archive import check_archive
from .sources.folder import read_or_refuse, same_id
from .sources.labels import NAB_WINDOWS, Label, read_incident_csv

if TYPE_CHECKING:
    from pathlib import Path

    from apps.accounts.models import User

Reading = SeriesFile | BrokenFileError
Progress = Callable[[Iterable[Reading], int | None], Iterable[Reading]]


@dataclass(slots=True)
class Outcome:
    """What became of every file of a place."""

    series: list[services.SeriesResult] = field(default_factory=list)
    broken: list[BrokenFileError] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    labels: services.LabelsResult | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "imported": sum(result.status == "imported" for result in self.series),
            "unchanged": sum(result.status == "unchanged" for result in self.series),
            "samples": {
                "added": sum(result.added for result in self.series),
                "changed": sum(result.changed for result in self.series),
                "same": sum(result.same for result in self.series),
            },
            "series": [
                {
                    "series": result.series,
                    "status": result.status,
                    "added": result.added,
                    "changed": result.changed,
                    "same": result.same,
                    "report": result.report,
                }
                for result in self.series
            ],
            "broken": [error.as_dict() for error in self.broken],
            "skipped": self.skipped,
            "labels": labels_dict(self.labels),
        }


def labels_dict(result: services.LabelsResult | None) -> dict[str, Any] | None:
    """The result of a label import by name, for `--json`."""
    if result is None:
        return None
    return {"added": result.added, "same": result.same, "unknown_series": result.unknown}


def import_place(
    path: Path,
    *,
    nab: bool = False,
    tz: str = "UTC",
    service: str | None = None,
    by: User | None = None,
    progress: Progress = lambda readings, _total: readings,
) -> Outcome:
    """Import what is at `path`; a broken file is reported and does not stop the others.

    With `nab` the incidents of the benchmark are imported too; `path` is then its archive, or the folder that
    it unpacks to (`data/`, `labels/`).

    Raises:
        BrokenFileError: `path` is one file and broken, or an archive that cannot be read to its end.
        InvalidInputError: nothing to import there, or no such time zone.
    """
    outcome = Outcome()
    readings, total = _readings(path / "data" if nab and path.is_dir() else path, service, tz, outcome)
    seen: dict[str, str] = {}
    for reading in progress(readings, total):
        if isinstance(reading, BrokenFileError):
            outcome.broken.append(reading)
        elif reading.series_id in seen:
            outcome.broken.append(same_id(reading, seen[reading.series_id]))
        else:
            seen[reading.series_id] = reading.report.file
            outcome.series.append(
                services.import_series(reading=reading, tz=tz, by=by, source="nab" if nab else "csv")
            )
    if nab:
        windows = path / NAB_WINDOWS if path.is_dir() else path
        outcome.labels = import_windows(windows, by=by)
    return outcome


def _readings(
    path: Path, service: str | None, tz: str, outcome: Outcome
) -> tuple[Iterator[Reading], int | None]:
    if path.is_dir():
        listing = list_folder(path, service=service)
        outcome.skipped = [{"file": skip.file, "reason": skip.reason} for skip in listing.skipped]
        return (read_or_refuse(each, service=service, tz=tz) for each in listing.paths), len(listing.paths)
    if is_archive(path):
        return iter_archive(path, tz=tz), check_archive(path)
    return iter([read_csv(path, service=service, tz=tz)]), 1


def import_windows(path: Path, *, by: User | None = None) -> services.LabelsResult:
    """Import the incidents of the benchmark; labels of series without data are left aside.

    Raises:
        BrokenFileError: not such a file.
    """
    labels = [
        Label(series_id, interval)
        for series_id, intervals in read_nab_windows(path).items()
        for interval in intervals
    ]
    return services.import_labels(labels=labels, source=path.name, by=by, skip_unknown=True)


def import_incidents(path: Path, *, tz: str = "UTC", by: User | None = None) -> services.LabelsResult:
    """Import labels from `series,start,end[,kind]`, or from the benchmark's windows (`.json`, `.tar.gz`).

    Raises:
        BrokenFileError: not such a file.
        InvalidInputError: a label of a series that we do not have, or no such time zone.
    """
    if path.suffix.lower() == ".json" or is_archive(path):
        return import_windows(path, by=by)
    return services.import_labels(labels=read_incident_csv(path, tz=tz), source=path.name, by=by)
