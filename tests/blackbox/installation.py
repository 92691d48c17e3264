"""A whole installation as a user starts it: `manage.py up --demo --json` in a folder of its own."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHECKOUT = Path(__file__).resolve().parents[2]
READY_S = 300  # a limit, not a wait: a quiet machine needs a tenth of it


@dataclass
class Installation:
    """A running installation; `call` speaks to its API as one of the demo's people."""

    process: subprocess.Popen[str]
    url: str
    tokens: dict[str, str]
    data: Path
    env: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)

    def call(
        self, who: str, method: str, path: str, body: Any = None, *, key: str | None = None, **options: Any
    ) -> requests.Response:
        """One request; a POST carries an Idempotency-Key (a fresh one unless given)."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}", **options.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        if body is not None:
            options["json"] = body
        return self.session.request(method, self.url + path, headers=headers, timeout=30, **options)

    def get(self, who: str, path: str) -> Any:
        reply = self.call(who, "GET", path)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(self, who: str, path: str, body: Any, *, status: int | tuple[int, ...] = (200, 201)) -> Any:
        reply = self.call(who, "POST", path, body)
        assert reply.status_code in ((status,) if isinstance(status, int) else status), reply.text
        return reply.json()

    def manage(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def stop(self, how: int = signal.SIGTERM) -> float:
        """Seconds until `up` had ended after the signal."""
        started = time.monotonic()
        self.process.send_signal(how)
        self.process.wait(30)
        return time.monotonic() - started


def environment(data: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Today's environment without what the test session itself set, and with a data folder of its own."""
    ours = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE", "AFTERCAST_DATA", "AFTERCAST_URL")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in ours and not name.startswith("PYTEST")
    }
    return kept | {"AFTERCAST_DATA": str(data)} | dict(extra)


def folder() -> Path:
    """A new folder that the database's user can reach, also when the tests run as root."""
    path = Path(tempfile.mkdtemp(prefix="aftercast-test-"))
    path.chmod(0o755)
    return path


def line_of(process: subprocess.Popen[str], seconds: float) -> str:
    """The first line of standard output, or an AssertionError after `seconds` or the end of the process."""
    stdout = process.stdout
    assert stdout is not None
    ready, _, _ = select.select([stdout], [], [], seconds)
    line = stdout.readline() if ready else ""
    assert line, f"no line within {seconds} s (exit code {process.poll()})"
    return line


@contextmanager
def installed(extra: Mapping[str, str] | None = None, *arguments: str) -> Iterator[Installation]:
    """Start, wait until ready, hand over, stop, and remove the data."""
    data = folder()
    env = environment(data, extra or {})
    log = (data / "up.err").open("w")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--demo", "--json", "--port", "0", *arguments],
        cwd=CHECKOUT,
        env=env,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    try:
        ready = json.loads(line_of(process, READY_S))
        yield Installation(process, ready["url"], ready["tokens"], data, env)
    except BaseException:
        sys.stderr.write((data / "up.err").read_text()[-4000:])
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        log.close()
        if process.stdout:
            process.stdout.close()
        shutil.rmtree(data, ignore_errors=True)
