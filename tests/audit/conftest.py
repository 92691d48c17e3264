from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.db import connection

from apps.audit import outbox

from . import handlers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def wait_until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    """Poll a condition of another process; fail when the time is up."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true")
        pause.wait(0.01)


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(number)` in threads with database connections of their own, all starting together."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def database_url() -> str:
    """URL of the test database, for another process."""
    found = connection.settings_dict
    account = quote(str(found["USER"])) + (f":{quote(str(found['PASSWORD']))}" if found["PASSWORD"] else "")
    return f"postgresql://{account}@{found['HOST']}:{found['PORT']}/{found['NAME']}"


Worker = subprocess.Popen[str]


@pytest.fixture
def start_worker() -> Iterator[Callable[[], Worker]]:
    """Start `tests.audit.worker`; whatever still runs at the end is killed."""
    started: list[Worker] = []

    def start() -> Worker:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.audit.worker"],
            env={**os.environ, "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_handlers", {})
    handlers.done.clear()
    handlers.in_transaction.clear()
    outbox.register("test.note", "tests.audit.handlers.note")
    outbox.register("test.poison", "tests.audit.handlers.poison")
    outbox.register("test.spoil", "tests.audit.handlers.spoil_connection")
