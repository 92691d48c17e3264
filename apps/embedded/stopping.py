"""Being told to stop: by SIGTERM, SIGINT or SIGHUP, also with `uv run` between us and whoever signals."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StoppedError(BaseException):
    """Told to stop before all was ready. No `Exception`: nothing on the way may take it for a failure."""


class Stop:
    """Whether we were told to stop.

    A plain flag instead of `threading.Event`: a signal handler that calls `Event.set` while the same thread
    is inside `Event.wait` waits for a lock that its own thread holds, for ever.
    """

    def __init__(self) -> None:
        self._asked = False
        self._may_interrupt = False
        self._launcher = launcher()

    def listen(self) -> None:
        """Take the signals from now on."""
        for number in SIGNALS:
            signal.signal(number, lambda *_: self.ask())

    def ask(self) -> None:
        """Stop soon; at once if the running step may be interrupted."""
        self._asked = True
        if self._may_interrupt:
            self._may_interrupt = False  # once: the way out must not be interrupted again
            raise StoppedError

    def is_set(self) -> bool:
        """Were we told to stop, or did the `uv run` that started us die?"""
        return self._asked or (self._launcher is not None and os.getppid() != self._launcher)

    def wait(self, seconds: float) -> bool:
        """Sleep for so long; returns `is_set()`."""
        time.sleep(seconds)
        return self.is_set()

    @contextlib.contextmanager
    def interrupting(self) -> Iterator[None]:
        """A signal ends the steps in here with StoppedError: a first start takes longer than a stop may."""
        if self._asked:
            raise StoppedError
        self._may_interrupt = True
        try:
            yield
        finally:
            self._may_interrupt = False


def launcher() -> int | None:
    """The process id of the `uv run` that started us, if one did (Linux)."""
    parent = os.getppid()
    try:
        name = Path(f"/proc/{parent}/comm").read_text().strip()
    except OSError:
        return None
    return parent if name == "uv" else None


def leave_launchers_group() -> None:
    """Have `uv run` pass every SIGINT on.

    It swallows the first one while its child shares its process group, because a terminal's Ctrl-C reaches
    the whole group anyway; a SIGINT sent to uv's pid alone would then stop nothing. It forwards to a child
    with a group of its own, so Ctrl-C works as before.
    """
    if launcher() is not None and os.getpgrp() != os.getpid():
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
