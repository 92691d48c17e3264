"""`manage.py up`: start everything in one folder and keep it running until told to stop."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils.module_loading import import_string

from apps.embedded import address, database, installation, programs, schema
from apps.embedded.errors import EmbeddedError
from apps.embedded.files import make_log_folder
from apps.embedded.ports import free_port
from apps.embedded.postgres import Server
from apps.embedded.stopping import StoppedError, leave_launchers_group
from apps.embedded.supervisor import Database, Process, Supervisor

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from pathlib import Path

DEMO_SETTLES_S = 90
POLL_S = 0.25
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # all addresses, and where we are among them


class Command(BaseCommand):
    help = "Start PostgreSQL, web server and worker in one folder, and keep them running. Ctrl-C stops them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="load a fictional shop and hand out a token for each role"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument(
            "--port", type=int, default=8000, help="port to listen on; 0 takes any free one (default 8000)"
        )
        parser.add_argument(
            "--json", action="store_true", help="print one line of JSON once ready, and nothing else"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = settings.DATA_FOLDER
        supervisor = Supervisor(folder / "up.json", self._note)
        leave_launchers_group()
        supervisor.stopping.listen()
        try:
            with installation.owned(folder):
                self._run(supervisor, folder, options)
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        except StoppedError:
            self._note("stopped before it was ready")

    def _run(self, supervisor: Supervisor, folder: Path, options: dict[str, Any]) -> None:
        port = options["port"] or free_port()
        installation.require_port(options["host"], port)
        if options["host"] in EVERYWHERE and not settings.CONFIGURED_URL:
            self._note(
                "listening on all addresses; a request from another machine is refused unless AFTERCAST_URL "
                "(used in links) or AFTERCAST_ALLOWED_HOSTS names the address it was sent to"
            )
        try:
            with supervisor.stopping.interrupting():
                said = self._start(supervisor, folder, options, port)
            self._announce(said, as_json=options["json"])
            supervisor.keep()
        finally:
            self._note("stopping")
            connection.close()
            supervisor.stop()

    def _start(
        self, supervisor: Supervisor, folder: Path, options: dict[str, Any], port: int
    ) -> dict[str, Any]:
        settings.SECRET_KEY = settings.CONFIGURED_SECRET_KEY or installation.secret_key(folder)
        settings.OUTBOX_HINTS = False  # the worker is not there yet; it looks by itself once it is
        if address.database_url(folder) == settings.DATABASE_URL:  # nobody named another one
            self._note(f"data folder {folder}")
            server = Server(folder)
            supervisor.add(Database(server))
            database.use(str(server.known()["url"]))
        else:
            database.require()
        if schema.migrate():
            self._note("database is at the newest schema")
        url = self._public_url(options["host"], port)
        tokens = import_string(settings.DEMO_LOADER)() if options["demo"] else {}
        link = None if options["demo"] else import_string(settings.FIRST_ADMIN_LINK)(url)
        connection.close()  # the children open their own
        env = programs.environment(
            database_url=settings.DATABASE_URL, public_url=url, secret_key=settings.SECRET_KEY
        )
        make_log_folder(folder / "logs")
        for program in (programs.web(options["host"], port), programs.worker(folder)):
            supervisor.add(Process(program, env=env, log=folder / "logs" / f"{program.name}.log"))
        supervisor.write_down(url=url, logs=str(folder / "logs"))
        installation.await_health(
            self._local_url(options["host"], port), watch=lambda: self._watch(supervisor)
        )
        if options["demo"]:
            self._settle(supervisor)
        return {"url": url, "tokens": tokens, "first_admin_link": link}

    def _settle(self, supervisor: Supervisor) -> None:
        """Let the worker finish what the demo asked for, so that its first pages have their figures."""
        settled = import_string(settings.DEMO_SETTLED)
        deadline = time.monotonic() + DEMO_SETTLES_S
        while not settled():
            self._watch(supervisor)
            if time.monotonic() > deadline:
                self._note("the worker is still busy with the demo; some figures come later")
                break
            time.sleep(POLL_S)
        connection.close()

    def _watch(self, supervisor: Supervisor) -> None:
        if supervisor.stopping.is_set():
            raise StoppedError
        supervisor.check()

    def _public_url(self, host: str, port: int) -> str:
        """AFTERCAST_URL if it is set, else where we listen."""
        configured: str = settings.CONFIGURED_URL
        return configured or self._local_url(host, port)

    def _local_url(self, host: str, port: int) -> str:
        name = EVERYWHERE.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{name}:{port}"

    def _announce(self, said: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            line = {"url": said["url"], "tokens": said["tokens"]}
            if said["first_admin_link"]:
                line["first_admin_link"] = said["first_admin_link"]
            self.stdout.write(json.dumps(line))
            self.stdout.flush()
            return
        self.stdout.write(f"Aftercast is ready: {said['url']}  (API: {said['url']}/api/docs/)")
        for role, token in said["tokens"].items():
            self.stdout.write(f"  token of the {role}: {token}")
        if said["first_admin_link"]:
            self.stdout.write(f"  Make the first administrator (works once): {said['first_admin_link']}")
        self.stdout.write("Ctrl-C stops everything.")

    def _note(self, text: str) -> None:
        self.stderr.write(f"up: {text}")
