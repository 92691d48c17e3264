"""The supervisor's own promises: a stop ends everything in time, whatever does not want to go."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from apps.embedded.postgres import Server
from apps.embedded.programs import Program
from apps.embedded.supervisor import Database, Process, Supervisor
from tests.blackbox.installation import folder
from tests.embedded.support import family, nobody_left, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.fault

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); time.sleep(60)"


@pytest.fixture
def data() -> Iterator[Path]:
    path = folder()
    yield path
    for pid in family(path):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path, ignore_errors=True)


def test_a_program_and_a_database_that_hear_nothing_are_gone_within_ten_seconds(data: Path):
    supervisor = Supervisor(data / "up.json", lambda _: None)
    server = Server(data, durable=False)
    supervisor.add(Database(server))
    log = data / "logs" / "web.log"
    program = Program("web", (sys.executable, "-u", "-c", DEAF))
    supervisor.add(Process(program, env=os.environ | {"AFTERCAST_DATA": str(data)}, log=log))
    wait_until(lambda: log.read_text() == "deaf\n", 20)
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 9.5
    assert nobody_left(data, started) < 10
