"""The Numenta Anomaly Benchmark as its `.tar.gz`: `data/<service>/<metric>.csv` and the labels.

It is read in memory: nothing is written to disk, so a hostile name can do no harm. An archive that holds one
is refused all the same, and so is one that unpacks to more than the limits below.
"""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .csv_file import SeriesFile, file_series_id, read_bytes
from .errors import BrokenFileError
from .folder import collected

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MEMBERS = 10_000
MAX_MEMBER = 256 * 2**20
MAX_TOTAL = 2**30
REMEDY = "Give a .tar.gz with data/<service>/<metric>.csv inside."


def iter_archive(path: str | Path, *, tz: str = "UTC") -> Iterator[SeriesFile | BrokenFileError]:
    """Every series of an archive in its own order, or the error that refuses one; one in memory at a time.

    Raises:
        BrokenFileError: while iterating: not a whole gzipped tar, an unsafe member, too large, no series.
    """
    found = False
    for name, data in _members(Path(path)):
        if _is_series(name):
            found = True
            _, service, file_name = PurePosixPath(name).parts
            yield _series(service, file_name, data, file=f"{path}:{name}", tz=tz)
    if not found:
        raise BrokenFileError("no series in it", file=str(path), remedy=REMEDY)


def _is_series(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 3 and parts[0] == "data" and name.lower().endswith(".csv")  # noqa: PLR2004


def _series(service: str, name: str, data: bytes, *, file: str, tz: str) -> SeriesFile | BrokenFileError:
    try:
        return read_bytes(data, series_id=file_series_id(service, name), file=file, tz=tz)
    except BrokenFileError as exc:
        return exc


def read_archive(path: str | Path, *, tz: str = "UTC") -> list[SeriesFile]:
    """All series of an archive, in order of their ids.

    Raises:
        BrokenFileError: see `iter_archive`, or at least one series is broken.
    """
    return sorted(collected(iter_archive(path, tz=tz)), key=lambda series: series.series_id)


def check_archive(path: str | Path) -> int:
    """The number of series files in an archive that can be read to its end and holds nothing unsafe.

    Raises:
        BrokenFileError: see `iter_archive`.
    """
    return sum(_is_series(name) for name, _ in _members(Path(path)))


def read_member(path: str | Path, member: str) -> bytes:
    """One file of an archive, such as `labels/combined_windows.json`.

    Raises:
        BrokenFileError: see `iter_archive`, or there is no such member.
    """
    for name, data in _members(Path(path)):
        if name == member:
            return data
    raise BrokenFileError(f"no {member} in it", file=str(path), remedy=f"The archive must hold {member}.")


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each regular file; a leading `./` is dropped."""
    total = 0
    try:
        with tarfile.open(path, "r|gz") as archive:
            for count, member in enumerate(archive, start=1):
                total += member.size
                _refuse_unsafe(path, member, count, total)
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None:
                    yield str(PurePosixPath(member.name)), stream.read()
    except (tarfile.TarError, EOFError, zlib.error, OSError) as exc:
        raise BrokenFileError(f"not a readable archive ({exc})", file=str(path), remedy=REMEDY) from exc


def _refuse_unsafe(path: Path, member: tarfile.TarInfo, count: int, total: int) -> None:
    name = PurePosixPath(member.name)
    problem = None
    if name.is_absolute() or ".." in name.parts or "\\" in member.name:
        problem = "a member whose name leaves the archive"
    elif count > MAX_MEMBERS:
        problem = f"more than {MAX_MEMBERS} members"
    elif member.size > MAX_MEMBER or total > MAX_TOTAL:
        problem = f"unpacks to more than {MAX_MEMBER >> 20} MiB in one file or {MAX_TOTAL >> 20} MiB in all"
    if problem:
        raise BrokenFileError(
            problem, file=str(path), text=member.name, remedy="Pack the archive anew, or import a folder."
        )
