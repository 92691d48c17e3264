"""Leaving the demo: an installation as on its first day, for real people and real data."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import ProgrammingError, connection
from psycopg import sql

from apps.accounts.models import User
from apps.common.errors import DomainError
from apps.embedded import database, installation, schema

from .cast import CAST, COLLEAGUE, DETECTOR
from .models import DemoInstallation

if TYPE_CHECKING:
    from pathlib import Path

STOP_S = 20.0
LOOK_S = 0.1


class LeavingError(DomainError):
    """The demo stays as it is; the text says why."""

    code = "demo_not_left"


def stop_running(folder: Path) -> bool:
    """Stop the `up` of this folder, if there is one; whether there was.

    Raises:
        LeavingError: it did not stop.
    """
    pid = installation.running(folder).get("pid")
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while installation.running(folder):
        if time.monotonic() > deadline:
            raise LeavingError(f"Process {pid} does not stop.", remedy="Stop it, then leave the demo again.")
        time.sleep(LOOK_S)
    return True


def check(*, also_people: bool) -> None:
    """Refuse to empty what is no demo, or what holds other people's work.

    Raises:
        LeavingError: there is no demo, or there are accounts that are not of it.
    """
    try:
        loaded = DemoInstallation.objects.exists()
    except ProgrammingError:  # a database without our tables
        loaded = False
    if not loaded:
        raise LeavingError("There is no demo in this installation, so nothing was changed.")
    found = strangers()
    if found and not also_people:
        raise LeavingError(
            f"{len(found)} account(s) are not of the demo, such as {found[0]}; their work would go too.",
            remedy="Export what is to stay, then repeat with --with-all-accounts.",
        )


def refuse_company() -> None:
    """Refuse to empty a database that somebody works with right now.

    Raises:
        LeavingError: there are other sessions.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        others = int(cursor.fetchone()[0])
    if others:
        raise LeavingError(
            f"{others} other session(s) use this database.", remedy="Stop web server and workers first."
        )


def strangers() -> list[str]:
    """User names that are not of the demo: people who have begun to work here."""
    cast = [member.username for member in (*CAST, COLLEAGUE)] + [DETECTOR]
    return list(
        User.objects.exclude(username__in=cast).order_by("username").values_list("username", flat=True)
    )


def empty() -> None:
    """Remove everything and build the empty tables again.

    Rows cannot be deleted one by one: records are append-only, for us as for everybody.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nspname FROM pg_namespace"
            " WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        cursor.execute("CREATE SCHEMA public")
    schema.migrate()


def leave(*, also_people: bool) -> bool:
    """Stop what runs, remove the demo and everything beside it; whether something ran.

    Raises:
        LeavingError: there is no demo; somebody is connected; or there are other people's accounts and
            `also_people` does not say that they go too.
        EmbeddedError: no database could be reached.
    """
    with database.running():
        check(also_people=also_people)
    ran = stop_running(settings.DATA_FOLDER)
    connection.close()  # its server has gone with what ran
    with database.running():
        refuse_company()
        empty()
    return ran
