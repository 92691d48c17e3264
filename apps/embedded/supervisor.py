"""Keeps the children running: starts them, restarts what dies, stops everything within ten seconds."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from . import children
from .errors import EmbeddedError
from .files import write_secret
from .programs import CHECKOUT, Program
from .stopping import Stop, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .postgres import Server

STOP_S = 9.0  # all of a stop; below the ten seconds that are promised
PROGRAMS_STOP_S = 5.5  # of it at most for the programs: gunicorn lets requests end for five
KILL_S = 0.5  # for the kernel to end what is killed
TICK_S = 0.1
RESTART_WINDOW_S = 60.0
QUICK_RESTARTS = 5  # that many in the window restart at once; more wait
SLOW_RESTART_S = 3.0


class Kept(Protocol):
    """Something that runs, may die, and can be started again."""

    name: str

    def start(self) -> None: ...
    def pid(self) -> int | None: ...
    def alive(self) -> bool: ...
    def ask_to_stop(self) -> None: ...
    def end(self, *, within: float) -> None: ...


class Process:
    """A program as a child in a process group of its own, so that its children go with it."""

    def __init__(self, program: Program, *, env: Mapping[str, str], log: Path) -> None:
        self.name = program.name
        self._command, self._env, self._log = program.command, env, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, after ending whatever a killed predecessor left in its group."""
        self.end(within=KILL_S)
        # At once: without us nobody ends a program that waits for a database that is gone.
        self._process = children.start(
            self._command, env=self._env, cwd=CHECKOUT, log=self._log, on_parents_death=signal.SIGKILL
        )

    def pid(self) -> int | None:
        """Its process id, also when it is dead; None before the first start."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Is it running?"""
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Let it finish what it does."""
        if self._process is not None and self.alive():
            self._process.send_signal(signal.SIGTERM)

    def end(self, *, within: float) -> None:
        """Kill the whole group, if anything of it is left; wait for it at most `within` seconds."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within)


class Database:
    """PostgreSQL as one of the kept."""

    name = "postgres"

    def __init__(self, server: Server) -> None:
        self._server = server

    def start(self) -> None:
        """Start it, or heal and start it after a crash."""
        self._server.start()

    def pid(self) -> int | None:
        """The postmaster's process id."""
        return self._server.process.pid if self._server.process else None

    def alive(self) -> bool:
        """Is the postmaster running?"""
        return self._server.alive()

    def ask_to_stop(self) -> None:
        """Nothing: it goes last, when nobody needs it any more."""

    def end(self, *, within: float) -> None:
        """Fast shutdown, and a harder one where that takes longer than `within` seconds."""
        self._server.stop(within=within)


class Supervisor:
    """Owns the kept, in the order of their starts. `note` is told what happens, in words."""

    def __init__(self, record: Path, note: Callable[[str], None]) -> None:
        self.kept: list[Kept] = []
        self.stopping = Stop()
        self._record = record
        self._note = note
        self._facts: dict[str, object] = {}
        self._starts: dict[str, deque[float]] = {}

    def add(self, one: Kept) -> None:
        """Start something and keep it running from now on."""
        self.kept.append(one)  # before its start: what is interrupted half-way must be ended too
        one.start()
        self.write_down()

    def write_down(self, **facts: object) -> None:
        """Tell `doctor` who runs: up.json with our pid, the facts so far, and each child with its pid."""
        self._facts |= facts
        known = {
            "pid": os.getpid(),
            **self._facts,
            "children": [{"name": o.name, "pid": o.pid()} for o in self.kept],
        }
        write_secret(self._record, json.dumps(known))

    def keep(self) -> None:
        """Restart what dies until told to stop, also in the middle of a restart."""
        with contextlib.suppress(StoppedError), self.stopping.interrupting():
            while not self.stopping.wait(TICK_S):
                self.check()

    def check(self) -> None:
        """One look at everything that is kept."""
        for one in self.kept:
            if not one.alive() and not self.stopping.is_set() and self._may_start(one.name):
                self._note(f"{one.name} died; starting it again")
                try:
                    one.start()
                except EmbeddedError as error:
                    self._note(f"{one.name} did not start: {error}")
                self.write_down()

    def _may_start(self, name: str) -> bool:
        """A child that dies again and again is restarted more slowly, not in a storm."""
        now = time.monotonic()
        starts = self._starts.setdefault(name, deque())
        while starts and now - starts[0] > RESTART_WINDOW_S:
            starts.popleft()
        if len(starts) >= QUICK_RESTARTS and now - starts[-1] < SLOW_RESTART_S:
            return False
        starts.append(now)
        return True

    def stop(self) -> None:
        """End everything, the database last; nothing is left when this returns."""
        started = time.monotonic()
        for one in self.kept:
            one.ask_to_stop()
        programs = [one for one in self.kept if one.name != Database.name]
        while any(one.alive() for one in programs) and time.monotonic() < started + PROGRAMS_STOP_S:
            time.sleep(0.02)
        for one in reversed(self.kept):
            left = started + STOP_S - time.monotonic()
            one.end(within=min(left, KILL_S) if one in programs else left)
        self._record.unlink(missing_ok=True)
