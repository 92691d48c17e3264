"""`manage.py up` as its user sees it: ready, healed, and gone when told so."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import requests

from tests.blackbox.installation import CHECKOUT, environment, folder, line_of
from tests.embedded.support import READY_S, Up, end, family, launch, manage, nobody_left, running, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.fault

STOP_S = 10
HEAL_S = 60
UV = ("uv", "run", "--frozen", "manage.py")


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """One installation for the tests that leave it as they found it: running and healthy."""
    data = folder()
    with running(data) as found:
        yield found
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """A data folder whose database is made already, for the tests that start and stop."""
    data = folder()
    made = script(data, "from apps.embedded import schema\nwith database.running(): schema.migrate()")
    assert made.wait(READY_S) == 0
    yield data
    end(made, data)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def fresh() -> Iterator[Path]:
    data = folder()
    yield data
    shutil.rmtree(data, ignore_errors=True)


def script(data: Path, text: str) -> subprocess.Popen[str]:
    """Run Python with Django set up, as a management command of that folder would."""
    start = (
        "import django; django.setup()\n"
        "from apps.embedded import database\nfrom django.db import connection\n"
    )
    env = environment(data, {"DJANGO_SETTINGS_MODULE": "config.settings.base"})
    return subprocess.Popen(
        [sys.executable, "-c", start + text], cwd=CHECKOUT, env=env, stdout=subprocess.PIPE, text=True
    )


def beats_since(up: Up, moment: object) -> int:
    url = json.loads((up.data / "postgres.json").read_text())["url"]
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(
            "SELECT count(*) FROM audit_heartbeat WHERE seen_at > %s", [moment]
        ).fetchone()
        return int(row[0]) if row else 0
    return 0


def clock(up: Up) -> object:
    url = json.loads((up.data / "postgres.json").read_text())["url"]
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    return row[0] if row else None


def killed_and_back(up: Up, name: str) -> None:
    """SIGKILL a child; it comes back with another pid, and the installation is healthy again."""
    before = up.pid(name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: up.pid(name) != before, HEAL_S)
    wait_until(up.healthy, HEAL_S)


def test_it_says_one_line_of_json_with_the_link_for_the_first_administrator(up: Up):
    assert up.said["tokens"] == {}
    assert up.said["first_admin_link"].startswith(up.url + "/setup/")
    assert up.healthy()


def test_a_link_that_is_still_open_is_not_in_the_logs_which_are_the_owners_alone(up: Up):
    link = up.said["first_admin_link"]
    assert requests.post(link, data={"username": "x"}, timeout=10).status_code == 403  # no CSRF cookie
    logs = up.data / "logs"
    wait_until(lambda: "/setup/[masked]" in (logs / "web.log").read_text(), 10)
    assert link.rpartition("/")[2] not in (logs / "web.log").read_text()
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in logs.iterdir()} == {
        "postgres.log": 0o600, "web.log": 0o600, "worker.log": 0o600
    }  # fmt: skip


def test_doctor_finds_nothing_wrong_with_a_running_installation(up: Up):
    wait_until(up.healthy, HEAL_S)
    done = manage(up.data, "doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["problems"]) == (0, [])
    assert (found["url"], found["pid"], found["mode"]) == (up.url, up.process.pid, "embedded")
    assert {(child["name"], child["state"]) for child in found["children"]} == {
        ("postgres", "running"), ("web", "running"), ("worker", "running")
    }  # fmt: skip


def test_a_second_up_on_the_same_folder_says_who_runs_and_where(up: Up):
    done = manage(up.data, "up", "--json", "--port", "0")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"runs already at {up.url} (process {up.process.pid})" in done.stderr
    assert up.healthy()


def test_a_web_server_killed_by_force_is_back_at_the_same_address(up: Up):
    killed_and_back(up, "web")


def test_a_worker_killed_by_force_is_back_and_leaves_no_children_behind(up: Up):
    before = {pid for pid, command in family(up.data).items() if "celery" in command}
    moment = clock(up)
    killed_and_back(up, "worker")
    wait_until(lambda: not before & set(family(up.data)), STOP_S)
    wait_until(lambda: beats_since(up, moment), HEAL_S)


def test_after_postgres_is_killed_by_force_the_worker_goes_on_by_itself(up: Up):
    url = json.loads((up.data / "postgres.json").read_text())["url"]
    killed_and_back(up, "postgres")
    assert json.loads((up.data / "postgres.json").read_text())["url"] == url
    moment = clock(up)
    wait_until(lambda: beats_since(up, moment), 20)


def test_a_command_that_meets_a_restarting_database_waits_instead_of_taking_it_over(up: Up):
    before = up.pid("postgres")
    up.process.send_signal(signal.SIGSTOP)  # nobody restarts it for now
    os.kill(before, signal.SIGKILL)
    command = script(
        up.data, "with database.running(), connection.cursor() as c: c.execute('SELECT 1'); print('answered')"
    )
    try:
        wait_until(lambda: not (Path(f"/proc/{before}/cwd")).exists() or command.poll() is not None, HEAL_S)
        up.process.send_signal(signal.SIGCONT)
        assert command.communicate(timeout=HEAL_S)[0] == "answered\n"
    finally:
        up.process.send_signal(signal.SIGCONT)
        command.kill()
        command.wait(10)
    wait_until(lambda: up.pid("postgres") != before, HEAL_S)
    wait_until(up.healthy, HEAL_S)
    assert up.process.poll() is None


def test_a_second_start_is_quick_and_sigterm_ends_everybody(used: Path):
    """At most four seconds more than twice the imports that a start cannot do without."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import feast, django"], check=True, cwd=CHECKOUT)
    imports = time.monotonic() - started
    started = time.monotonic()
    with running(used) as up:
        assert time.monotonic() - started < 2 * imports + 4
        started = time.monotonic()
        up.process.terminate()
        assert nobody_left(used, started) < STOP_S
        assert up.process.wait(5) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_uv_run_ends_everybody_too(used: Path, how: signal.Signals):
    with running(used, command=UV) as up:
        started = time.monotonic()
        up.process.send_signal(how)
        assert nobody_left(used, started) < STOP_S
        assert up.process.wait(5) == 0


def test_ctrl_c_which_reaches_the_whole_group_ends_everybody(used: Path):
    with running(used) as up:
        started = time.monotonic()
        os.killpg(up.process.pid, signal.SIGINT)
        assert nobody_left(used, started) < STOP_S
        assert up.process.wait(5) == 0


def test_killed_by_force_it_leaves_nobody_behind_and_starts_again(used: Path):
    with running(used) as up:
        started = time.monotonic()
        up.process.kill()
        assert nobody_left(used, started) < STOP_S
    found = json.loads(manage(used, "doctor", "--json").stdout)
    assert found["problems"][0]["problem"] == "The process that ran here was killed."
    with running(used) as up:
        assert up.healthy()


def test_a_signal_during_the_first_start_ends_it_at_once(fresh: Path):
    process = launch(fresh)
    try:
        wait_until((fresh / "postgres" / "postmaster.pid").exists, READY_S)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert nobody_left(fresh, started) < STOP_S
        assert process.wait(5) == 0
    finally:
        end(process, fresh)
    assert not (fresh / "up.json").exists()


def test_a_taken_port_is_refused_before_anything_is_started(fresh: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = manage(fresh, "up", "--json", "--port", str(port))
    assert done.returncode == 1
    assert f"Something listens on port {port} of 127.0.0.1 already." in done.stderr
    assert "--port" in done.stderr
    assert not (fresh / "postgres").exists()


def test_of_two_first_starts_at_once_one_runs_and_the_other_says_so(fresh: Path):
    both = [launch(fresh), launch(fresh)]
    try:
        wait_until(lambda: any(process.poll() is not None for process in both), READY_S)
        loser, winner = sorted(both, key=lambda process: process.poll() is None)
        assert loser.returncode == 1
        assert "This installation runs already" in (fresh / "up.err").read_text()
        said = json.loads(line_of(winner, READY_S))
        assert Up(winner, said, fresh).healthy()
    finally:
        for process in both:
            end(process, fresh)
