"""A folder of series: `FOLDER/service/metric.csv` is the series `service/metric`.

CSV files at the top belong to no service and are left aside, unless `service` names the one they belong to.
Files deeper than one folder are left aside too: a series id has two parts. What is left aside is listed.
Hidden files and folders (a leading dot) and whatever is not a CSV file are none of our business.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apps.common.errors import InvalidInputError

from .csv_file import SeriesFile, read_csv
from .errors import BrokenFileError, several

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Skipped:
    """A CSV file that is no series by its place, and where it should be."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Paths of the series in a folder, in order of their ids, and what was left aside."""

    paths: list[Path]
    skipped: list[Skipped]


@dataclass(frozen=True, slots=True)
class Contents:
    """The series of a folder, in order of their ids, and what was left aside."""

    series: list[SeriesFile]
    skipped: list[Skipped]


def list_folder(folder: str | Path, *, service: str | None = None) -> Listing:
    """Find the series of a folder without reading them.

    Raises:
        InvalidInputError: no such folder, or no series in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InvalidInputError(f"{folder} is not a folder.", field="path", remedy="Check the path.")
    paths: list[Path] = []
    skipped: list[Skipped] = []
    # rglob does not enter linked folders; a service may well be one.
    for path in sorted({*folder.rglob("*"), *folder.glob("*/*")}):
        inner = path.relative_to(folder).parts
        if path.suffix.lower() != ".csv" or any(part.startswith(".") for part in inner) or not path.is_file():
            continue
        reason = _reason(len(inner), service)
        if reason is None:
            paths.append(path)
        else:
            skipped.append(Skipped(str(path), reason))
    if not paths:
        hint = f" It holds {len(skipped)} CSV files elsewhere: {skipped[0].reason}." if skipped else ""
        raise InvalidInputError(
            f"There is no series in {folder}.{hint}",
            field="path",
            remedy="Put each series at FOLDER/service/metric.csv.",
        )
    return Listing(paths, skipped)


def _reason(depth: int, service: str | None) -> str | None:
    if service is not None:
        return None if depth == 1 else "only files at the top belong to the service given"
    if depth == 1:
        return "at the top it belongs to no service: move it into a folder of the service's name"
    return None if depth == 2 else "too deep: only folder/file.csv makes a series"  # noqa: PLR2004


def iter_folder(
    folder: str | Path, *, service: str | None = None, tz: str = "UTC"
) -> Iterator[SeriesFile | BrokenFileError]:
    """Every series of a folder, or the error that refuses its file; one in memory at a time.

    Raises:
        InvalidInputError: no such folder, no series in it, or no such time zone.
    """
    listing = list_folder(folder, service=service)
    return (read_or_refuse(path, service=service, tz=tz) for path in listing.paths)


def read_or_refuse(path: Path, *, service: str | None, tz: str) -> SeriesFile | BrokenFileError:
    """The series of one file, or why it is refused, as a value: the other files of a folder go on."""
    try:
        return read_csv(path, service=service, tz=tz)
    except BrokenFileError as exc:
        return exc


def read_folder(folder: str | Path, *, service: str | None = None, tz: str = "UTC") -> Contents:
    """All series of a folder.

    Raises:
        BrokenFileError: at least one file is broken; names them all.
        InvalidInputError: see `iter_folder`.
    """
    listing = list_folder(folder, service=service)
    readings = (read_or_refuse(path, service=service, tz=tz) for path in listing.paths)
    return Contents(collected(readings), listing.skipped)


def collected(readings: Iterator[SeriesFile | BrokenFileError]) -> list[SeriesFile]:
    """All or nothing.

    Raises:
        BrokenFileError: at least one reading is an error.
    """
    good: list[SeriesFile] = []
    broken: list[BrokenFileError] = []
    seen: dict[str, str] = {}
    for reading in readings:
        if isinstance(reading, BrokenFileError):
            broken.append(reading)
        elif reading.series_id in seen:
            broken.append(same_id(reading, seen[reading.series_id]))
        else:
            seen[reading.series_id] = reading.report.file
            good.append(reading)
    if broken:
        raise several(broken)
    return good


def same_id(reading: SeriesFile, other: str) -> BrokenFileError:
    """Two files of one series: which of them holds is not for us to say."""
    return BrokenFileError(
        f"it is the series {reading.series_id}, and so is {other}",
        file=reading.report.file,
        remedy="Rename one of the files, or join them.",
    )
