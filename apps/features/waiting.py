"""Waiting for a worker: polling the database, with a limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
LIMIT_S = 10.0
PAUSE_S = 0.05


def until(found: Callable[[], T | None], *, limit_s: float | None = None) -> T | None:
    """What `found` returns once it is something; None if the limit passes first. Outside a transaction
    only."""
    deadline = time.monotonic() + (LIMIT_S if limit_s is None else limit_s)
    while True:
        result = found()
        if result is not None or time.monotonic() >= deadline:
            return result
        time.sleep(PAUSE_S)
