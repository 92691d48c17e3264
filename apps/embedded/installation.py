"""An installation in one folder: what `up` starts and `doctor` looks at."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import secrets
import time
from typing import IO, TYPE_CHECKING, Any

import requests

from .errors import AlreadyRunningError, PortTakenError, StartError
from .files import make_folder, write_secret
from .ports import HIGHEST_PORT, AddressError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

READY_S = 110
PATIENT_S = 0.05


def secret_key(folder: Path) -> str:
    """The installation's secret key, made on first use; callers hold the folder's lock."""
    path = folder / "secret_key"
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(50))
    return path.read_text()


@contextlib.contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Be the only `up` of this folder.

    Raises:
        FolderError: the folder cannot be used.
        AlreadyRunningError: another `up` is; the error says where it listens.
    """
    make_folder(folder)
    with (folder / "up.lock").open("a") as file:
        _lock_or_say_who(file, folder)
        yield


def _lock_or_say_who(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        known = running(folder)
        where = f" at {known['url']}" if known.get("url") else ""
        raise AlreadyRunningError(
            f"This installation runs already{where} (process {known.get('pid', 'unknown')}).",
            f"Use that one, stop it, or set AFTERCAST_DATA to another folder than {folder}.",
        ) from None


def running(folder: Path) -> dict[str, Any]:
    """What a running `up` wrote down: pid, url and children; empty when there is none to be read."""
    try:
        found: dict[str, Any] = json.loads((folder / "up.json").read_text())
    except OSError:
        return {}
    return found


def require_port(host: str, port: int) -> None:
    """Stop before anything is started.

    Raises:
        PortTakenError: something listens there.
        AddressError: nobody can listen there: no such port, no such address of this machine, or no right to.
    """
    if not 0 < port <= HIGHEST_PORT:
        raise AddressError(f"There is no port {port}.", f"Choose one from 1 to {HIGHEST_PORT}, or 0 for any.")
    problem = refusal(port, host)
    if problem is None:
        return
    if problem.errno == errno.EADDRINUSE:
        raise PortTakenError(
            f"Something listens on port {port} of {host} already.",
            "Stop it, or choose another with --port (0: any).",
        )
    if problem.errno == errno.EACCES:
        raise AddressError(
            f"This account may not listen on port {port}.", "Choose one above 1023 with --port."
        )
    raise AddressError(
        f"The host {host} cannot be listened on: {problem.strerror}.",
        "Choose an address of this machine with --host: 127.0.0.1, or 0.0.0.0 for all.",
    )


def await_health(url: str, *, watch: Callable[[], None]) -> None:
    """Wait until /healthz is content; `watch` runs between the looks and may raise.

    Raises:
        StartError: it is not within the time; the error names what still fails.
    """
    deadline = time.monotonic() + READY_S
    problem = "no answer"
    with requests.Session() as session:
        session.headers["Host"] = "localhost"  # always answered, whatever address we listen on
        session.trust_env = False  # a proxy of the environment has no business here
        while time.monotonic() < deadline:
            watch()
            try:
                reply = session.get(url + "/healthz", timeout=5)
            except requests.RequestException as error:
                problem = type(error).__name__
            else:
                if reply.ok:
                    return
                problem = reply.text[:500]
            time.sleep(PATIENT_S)
    raise StartError(
        f"Not healthy after {READY_S} s: {problem}.", "See the logs that `manage.py doctor` names."
    )
