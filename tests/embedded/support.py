"""A small `up` of its own folder, and everybody who belongs to it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from tests.blackbox.installation import CHECKOUT, environment, line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READY_S = 150
PYTHON = (sys.executable, "manage.py")


@dataclass
class Up:
    """A running `manage.py up`; `said` is its line of JSON."""

    process: subprocess.Popen[str]
    said: dict[str, Any]
    data: Path

    @property
    def url(self) -> str:
        return str(self.said["url"])

    def pid(self, name: str) -> int:
        """The child of that name, as `up` wrote it down."""
        known = json.loads((self.data / "up.json").read_text())
        return int({child["name"]: child["pid"] for child in known["children"]}[name])

    def healthy(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.url + "/healthz", timeout=5).status_code == 200
        return False


def manage(data: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """One command of ours on that folder."""
    return subprocess.run(
        [*PYTHON, *arguments],
        cwd=CHECKOUT, env=environment(data, extra), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def launch(data: Path, *arguments: str, command: tuple[str, ...] = PYTHON) -> subprocess.Popen[str]:
    """Start `up` in a session of its own, as a terminal does, and do not wait."""
    with (data / "up.err").open("a") as log:
        return subprocess.Popen(
            [*command, "up", "--json", "--port", "0", *arguments],
            cwd=CHECKOUT, env=environment(data, {}), stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        )  # fmt: skip


@contextlib.contextmanager
def running(data: Path, *arguments: str, command: tuple[str, ...] = PYTHON) -> Iterator[Up]:
    """Start and wait until ready; whatever a test leaves behind is ended, and only that."""
    process = launch(data, *arguments, command=command)
    try:
        yield Up(process, json.loads(line_of(process, READY_S)), data)
    except BaseException:
        sys.stderr.write((data / "up.err").read_text()[-4000:])
        raise
    finally:
        end(process, data)


def end(process: subprocess.Popen[str], data: Path) -> None:
    """Stop a process we started, and every process of its folder."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
    for pid in family(data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    process.wait(10)
    if process.stdout:
        process.stdout.close()


def family(data: Path) -> dict[int, str]:
    """Every living process of the installation in `data`, whatever its group: pid and command."""
    mark = f"AFTERCAST_DATA={data}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            ours = mark in (entry / "environ").read_bytes().split(b"\0") or _inside(entry / "cwd", data)
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
            if ours and alive:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _inside(link: Path, folder: Path) -> bool:
    return link.readlink().is_relative_to(folder)


def wait_until(what: Callable[[], object], seconds: float) -> float:
    """Wait until `what` holds; returns how long it took, or fails."""
    started = time.monotonic()
    while not what():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.05)
    return time.monotonic() - started


def nobody_left(data: Path, started: float) -> float:
    """Wait until no process of the folder lives; returns the seconds since `started`, or fails."""
    while left := family(data):
        if time.monotonic() - started > 20:
            raise AssertionError(f"still running: {left}")
        time.sleep(0.05)
    return time.monotonic() - started
