"""Folders, secrets and locks of a data folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import IO, TYPE_CHECKING

from .errors import FolderError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder that other accounts may enter but not list.

    Raises:
        FolderError: it cannot be made or written.
    """
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, mode=0o711)
    except OSError as error:
        raise _cannot_be_made(folder, str(error.strerror)) from error
    _require_writable(folder)


def check_folder(folder: Path) -> None:
    """Could `make_folder` do its work? Makes nothing.

    Raises:
        FolderError: it could not.
    """
    try:
        nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        is_folder = nearest.is_dir()
    except OSError as error:
        raise _cannot_be_made(folder, str(error.strerror)) from error
    if not is_folder:
        raise _cannot_be_made(folder, f"{nearest} is not a folder")
    if nearest == folder:
        _require_writable(folder)
    elif not os.access(nearest, os.W_OK | os.X_OK):
        raise _cannot_be_made(folder, f"{nearest} is not writable for this account")


def _require_writable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FolderError(
            f"The data folder {folder} is not writable for this account.",
            "Give it the right owner (chown), or set AFTERCAST_DATA to a writable folder.",
        )


def _cannot_be_made(folder: Path, why: str) -> FolderError:
    return FolderError(
        f"The data folder {folder} cannot be made: {why}.", "Set AFTERCAST_DATA to a writable folder."
    )


def write_secret(path: Path, text: str) -> None:
    """Write a file for its owner's eyes alone, in one step."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def make_log_folder(folder: Path) -> None:
    """Make a folder for its owner alone, or take the others' rights to it: logs tell who did what.

    Raises:
        FolderError: it is no folder, or somebody else's.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise FolderError(
            f"The folder {folder} cannot be used for logs: {error.strerror}.",
            "Give it the right owner (chown -R), or move it away.",
        ) from error


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to, for its owner's eyes alone also where it was readable to all before."""
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    os.fchmod(file.fileno(), 0o600)
    return file


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file; it ends with the process, however that ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
