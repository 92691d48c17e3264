"""A database for a command, whether or not anything runs; and throw-away ones beside it."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from psycopg import sql

from . import address, installation, schema
from .errors import AlreadyRunningError, StartError
from .postgres import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARTS = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
READY_S = 60
PATIENT_S = 0.1


def use(url: str) -> None:
    """Point Django's default connection, and everything that derives from settings, at another database."""
    parsed = environ.Env.db_url_config(url)
    _use_parts({part: parsed[part] for part in PARTS})
    settings.DATABASE_URL = url


def _use_parts(parts: dict[str, Any]) -> None:
    connection.close()
    for target in (settings.DATABASES["default"], connection.settings_dict):
        target.update(parts)


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Make sure that a PostgreSQL answers: that of DATABASE_URL, of a running `up`, or one for now.

    Raises:
        StartError: DATABASE_URL names one that does not answer, or that of a running `up` does not come back.
        EmbeddedError: none could be started; the error says why.
    """
    if _answers():
        yield
        return
    folder: Path = settings.DATA_FOLDER
    before = settings.DATABASE_URL
    if before not in (address.NOWHERE, address.database_url(folder)):
        require()
    with contextlib.ExitStack() as ends:
        try:
            ends.enter_context(installation.owned(folder))
        except AlreadyRunningError:
            _await_owners(folder)  # never start a second one on the files of an `up` that mends its own
        else:
            server = Server(folder)
            ends.callback(server.stop)
            use(server.start())
        ends.callback(use, before)
        yield


def _await_owners(folder: Path) -> None:
    """Wait for the database of the `up` that owns the folder: it starts just now, or again."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        use(address.database_url(folder))
        if _answers():
            return
        time.sleep(PATIENT_S)
    raise StartError(f"The database of {folder} does not answer.", "Ask `manage.py doctor`.")


def require() -> None:
    """Make sure that the database of DATABASE_URL answers.

    Raises:
        StartError: it does not; the error says why not, without the password.
    """
    problem = _refusal()
    if problem is not None:
        raise StartError(
            f"The database of DATABASE_URL does not answer: {problem}.",
            "Start it, correct DATABASE_URL, or unset it to use the embedded PostgreSQL.",
        )


def _answers() -> bool:
    return _refusal() is None


def _refusal() -> str | None:
    """Why the database lets nobody in, or None."""
    try:
        connection.ensure_connection()
    except (OperationalError, ImproperlyConfigured) as error:  # the latter: a URL without a database's name
        return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return None


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A fresh, migrated database of a random name as the default one; dropped at the end, whatever happened.

    Yields its name. The caller closes what it opened there by other ways (Feast's pools) before the end.
    """
    name = f"scratch_{secrets.token_hex(6)}"
    before, at = settings.DATABASE_URL, {part: connection.settings_dict[part] for part in PARTS}
    _execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    use(f"{before.rpartition('/')[0]}/{name}")
    try:
        schema.migrate()
        yield name
    finally:
        _use_parts(at)  # not by its URL: Django's test runner changes the name alone
        settings.DATABASE_URL = before
        _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
