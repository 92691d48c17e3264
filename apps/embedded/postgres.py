"""PostgreSQL as our child: made on the first start, healed after a crash, reached by TCP from here only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg

from . import binaries, children
from .errors import FolderError, StartError, WrongVersionError
from .files import locked, make_folder, make_log_folder, write_secret
from .ports import free_port, port_is_free

NAME = "aftercast"
READY_S = 60
STOP_S = 8
AT_ONCE_S = 1.0  # before the end of a stop: SIGQUIT
KILL_S = 0.3  # before the end of a stop: SIGKILL
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", "HOME": "/"}


class Server:
    """One PostgreSQL of one data folder.

    `durable=False` is for throw-away test databases only: it trades crash safety for speed.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self.folder = folder
        self.durable = durable
        self.account = children.unprivileged()
        self.process: subprocess.Popen[bytes] | None = None

    # --- where things are -----------------------------------------------------------------------------
    @property
    def record(self) -> Path:
        """`postgres.json`: url, port, version, provider, pid and folder of the newest start."""
        return self.folder / "postgres.json"

    @property
    def log(self) -> Path:
        """PostgreSQL's own log."""
        return self.folder / "logs" / "postgres.log"

    def known(self) -> dict[str, object]:
        """What the newest start wrote down; empty before the first, and while it cannot be read."""
        try:
            found: dict[str, object] = json.loads(self.record.read_text())
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return {}
        return found

    def cluster(self) -> Path:
        """The folder of the database files, where the account that runs PostgreSQL can reach it."""
        known = self.known().get("cluster")
        if known:
            return Path(str(known))
        if children.allowed(self.account, self.folder, "x"):
            return self.folder / "postgres"
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path("/var/lib/aftercast") / digest / "postgres"

    # --- life -----------------------------------------------------------------------------------------
    def start(self) -> str:
        """Start, or start again; returns the URL of the database. Safe beside another start of this folder.

        Raises:
            NoPostgresError, WrongVersionError, FolderError, StartError: each says what to do.
        """
        make_folder(self.folder)
        found = binaries.find()
        with locked(self.folder / "postgres.lock"):
            cluster = self.cluster()
            self._make_parent(cluster)
            found = self._reachable(found, cluster)
            if not (cluster / "PG_VERSION").exists():
                self._create(found, cluster)
            self._check_version(found, cluster)
            self._stop_stray(cluster)
            port = self._port()
            self.process = children.start(
                self._command(found, cluster, port),
                env=ENVIRONMENT,
                cwd=cluster,
                log=self.log,
                account=self.account,
                on_parents_death=signal.SIGINT,  # PostgreSQL's fast shutdown
            )
            url = f"postgresql://{NAME}:{self._password()}@127.0.0.1:{port}/{NAME}"
            self._await(url)
            self._write_down(found, cluster, port, url)
        return url

    def alive(self) -> bool:
        """Is our child running?"""
        return self.process is not None and self.process.poll() is None

    def stop(self, *, within: float = STOP_S) -> None:
        """Fast shutdown: running transactions roll back, committed ones are kept.

        Args:
            within: seconds after which it is gone, whatever it does: near the end it is told to go at once,
                and then killed. The next start recovers, and keeps every committed row.
        """
        if self.process is None:
            return
        deadline = time.monotonic() + within
        for how, spare in ((signal.SIGINT, AT_ONCE_S), (signal.SIGQUIT, KILL_S), (signal.SIGKILL, 0.0)):
            if self.process.poll() is not None:
                return
            self.process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(max(deadline - spare - time.monotonic(), 0.0))

    # --- steps of a start -----------------------------------------------------------------------------
    def _command(self, found: binaries.Binaries, cluster: Path, port: int) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",  # a long data folder would exceed the length of a socket's path
            "timezone": "UTC",
            "log_timezone": "UTC",
            "shared_buffers": "128MB",
            "max_connections": "100",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(found.folder / "postgres"), "-D", str(cluster), *options]

    def _make_parent(self, cluster: Path) -> None:
        make_folder(cluster.parent)
        make_log_folder(self.log.parent)
        if self.account is not None and not children.allowed(self.account, cluster.parent, "x"):
            raise FolderError(
                f"The account {self.account.name}, which runs PostgreSQL, cannot enter {cluster.parent}.",
                "Make its parent folders enterable (chmod o+x), or set AFTERCAST_DATA to another folder.",
            )

    def _reachable(self, found: binaries.Binaries, cluster: Path) -> binaries.Binaries:
        """The binaries where the account can run them: copied beside the database if it cannot reach them."""
        if children.allowed(self.account, found.folder / "postgres", "x"):
            return found
        copy = cluster.parent / f"postgresql-{found.major}"
        if not copy.exists():
            partial = copy.with_suffix(f".{os.getpid()}")
            shutil.copytree(found.prefix, partial, symlinks=True)
            partial.chmod(0o755)
            partial.rename(copy)
        return binaries.Binaries(f"{found.provider} (copied)", copy / "bin", found.major)

    def _create(self, found: binaries.Binaries, cluster: Path) -> None:
        """initdb beside the final place, then rename: a crash leaves nothing that looks like a database."""
        fresh = cluster.with_name(cluster.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = fresh.parent / ".password"
        write_secret(password, self._password() + "\n")
        if self.account is not None:
            os.chown(fresh, self.account.uid, self.account.gid)
            os.chown(password, self.account.uid, self.account.gid)
        command = [
            str(found.folder / "initdb"), "-D", str(fresh), "-U", NAME, "--encoding=UTF8", "--locale=C.UTF-8",
            "--auth=scram-sha-256", f"--pwfile={password}", "--data-checksums",
        ]  # fmt: skip
        if not self.durable:
            command.append("--no-sync")
        try:
            child = children.start(command, env=ENVIRONMENT, cwd=fresh, log=self.log, account=self.account)
            if child.wait(READY_S) != 0:
                raise StartError("initdb failed.", f"Its words are in {self.log}.")
        finally:
            password.unlink()
        fresh.rename(cluster)

    def _check_version(self, found: binaries.Binaries, cluster: Path) -> None:
        made_by = int((cluster / "PG_VERSION").read_text().split(".")[0])
        if made_by != found.major:
            raise WrongVersionError(
                f"The data in {cluster} was made by PostgreSQL {made_by}; "
                f"the binaries here are {found.major}.",
                f"Upgrade it: with PostgreSQL {made_by} start it and run `pg_dumpall > all.sql`, "
                f"move {cluster} away, start Aftercast once so that {found.major} makes a new one, then "
                "`psql -f all.sql` into it. Or use pg_upgrade with both versions' binaries. Or point "
                f"DATABASE_URL at a server of version {made_by}.",
            )

    def _stop_stray(self, cluster: Path) -> None:
        """End a PostgreSQL that outlived a killed `up`; a stale pid file is nothing to PostgreSQL."""
        try:
            pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if not children.alive(pid) or str(cluster) not in _command_line(pid):
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_S
        while children.alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def _port(self) -> int:
        known = self.known().get("port")
        return known if isinstance(known, int) and port_is_free(known) else free_port()

    def _password(self) -> str:
        path = self.folder / "postgres.password"
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(24))
        return path.read_text()

    def _await(self, url: str) -> None:
        deadline = time.monotonic() + READY_S
        server_url = url.rpartition("/")[0] + "/postgres"
        while True:
            try:
                with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
                    return _ensure_database(connection)
            except psycopg.OperationalError as error:
                if not self.alive() or time.monotonic() > deadline:
                    raise StartError(
                        f"PostgreSQL did not start: {str(error).strip()}.", f"Its words are in {self.log}."
                    ) from error
            time.sleep(0.02)

    def _write_down(self, found: binaries.Binaries, cluster: Path, port: int, url: str) -> None:
        pid = self.process.pid if self.process else None
        known = {
            "url": url, "port": port, "version": found.major, "provider": found.provider, "pid": pid,
            "cluster": str(cluster), "account": self.account.name if self.account else None,
        }  # fmt: skip
        write_secret(self.record, json.dumps(known))


def _ensure_database(connection: psycopg.Connection) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
        connection.execute(f"CREATE DATABASE {NAME}")


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except FileNotFoundError:
        return ""
