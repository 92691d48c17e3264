"""What an operator sets in the environment holds, for `up` and for a web server of their own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from config.settings.env import hosts
from tests.blackbox.installation import CHECKOUT, environment, folder, installed
from tests.embedded.support import family, manage

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "configured-key-of-more-than-fifty-characters-0123456789"


@pytest.fixture
def data() -> Iterator[Path]:
    path = folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


def web_server(data: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Load what gunicorn loads."""
    return subprocess.run(
        [sys.executable, "-c", "import config.wsgi as web; print(web.settings.SECRET_KEY)"],
        cwd=CHECKOUT, env=environment(data, extra), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.unit
def test_a_web_server_without_a_secret_key_refuses_to_start(data: Path):
    done = web_server(data)
    assert done.returncode == 1
    assert "ImproperlyConfigured: There is no secret key" in done.stderr
    assert "Set AFTERCAST_SECRET_KEY" in done.stderr


@pytest.mark.unit
def test_a_web_server_takes_the_secret_key_of_the_environment_a_file_or_the_folder(data: Path):
    assert web_server(data, AFTERCAST_SECRET_KEY=KEY).stdout == KEY + "\n"
    (data / "key").write_text(KEY + "\n")
    assert web_server(data, AFTERCAST_SECRET_KEY_FILE=str(data / "key")).stdout == KEY + "\n"
    (data / "secret_key").write_text("of the folder")
    assert web_server(data).stdout == "of the folder\n"


@pytest.mark.unit
@pytest.mark.parametrize("command", [("check",), ("spectacular", "--file", "/dev/null")])
def test_commands_need_no_secret_key(data: Path, command: tuple[str, ...]):
    assert manage(data, *command).returncode == 0
    assert not (data / "secret_key").exists()


@pytest.mark.unit
def test_this_machines_own_names_are_always_answered():
    own = ["127.0.0.1", "localhost", "[::1]"]
    assert hosts("https://aftercast.example", []) == [*own, "aftercast.example"]
    assert hosts("https://a.example:8443/x", ["b.example"]) == [*own, "a.example", "b.example"]
    assert hosts("http://[fd00::1]:8000", []) == [*own, "[fd00::1]"]


@pytest.mark.unit
@pytest.mark.parametrize(
    "url", ["postgresql://somebody:hidden@127.0.0.1:9/aftercast", "postgresql://somebody:hidden@127.0.0.1:9"]
)
def test_up_says_that_the_database_of_the_environment_does_not_answer(data: Path, url: str):
    done = manage(data, "up", "--json", "--port", "0", DATABASE_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "The database of DATABASE_URL does not answer: " in done.stderr
    assert "Start it, correct DATABASE_URL, or unset it" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr
    assert family(data) == {}


@pytest.mark.fault
def test_up_keeps_the_configured_key_and_hosts_and_tells_how_others_reach_it():
    extra = {"AFTERCAST_SECRET_KEY": KEY, "AFTERCAST_ALLOWED_HOSTS": "aftercast.example"}
    with installed(extra, "--host", "0.0.0.0") as up:  # noqa: S104
        told = (up.data / "up.err").read_text()
        assert "another machine is refused unless AFTERCAST_URL" in told
        assert "AFTERCAST_ALLOWED_HOSTS" in told
        assert not (up.data / "secret_key").exists()
        assert keys(up.data, "gunicorn") == keys(up.data, "celery") == {KEY}
        answers = {
            name: requests.get(up.url + "/healthz", headers={"Host": name}, timeout=10).status_code
            for name in ("127.0.0.1", "localhost", "aftercast.example", "elsewhere.example")
        }
        assert answers == {
            "127.0.0.1": 200,
            "localhost": 200,
            "aftercast.example": 200,
            "elsewhere.example": 400,
        }
        web_log = up.data / "logs" / "web.log"
        assert "Service Unavailable" not in web_log.read_text()


def keys(data: Path, program: str) -> set[str]:
    """The secret keys that the processes of a program were given."""
    mark = "AFTERCAST_SECRET_KEY="
    return {
        entry.removeprefix(mark)
        for pid, command in family(data).items()
        if program in command
        for entry in Path(f"/proc/{pid}/environ").read_text().split("\0")
        if entry.startswith(mark)
    }
