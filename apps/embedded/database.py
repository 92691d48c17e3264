"""A database for a command, whether or not anything runs; and throw-away ones beside it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import environ
from django.conf import settings
from django.db import OperationalError, connection
from psycopg import sql

from . import address, schema
from .errors import StartError
from .postgres import Server


def use(url: str) -> None:
    """Point Django's default connection, and everything that derives from settings, at another database."""
    connection.close()
    parsed = environ.Env.db_url_config(url)
    for target in (settings.DATABASES["default"], connection.settings_dict):
        target.update({name: parsed[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
    settings.DATABASE_URL = url


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Make sure that a PostgreSQL answers: the one of DATABASE_URL, of a running `up`, or one for the time being.

    Raises:
        StartError: DATABASE_URL names one that does not answer.
        EmbeddedError: none could be started; the error says why.
    """
    if _answers():
        yield
        return
    folder: Path = settings.DATA_FOLDER
    if address.database_url(folder) != settings.DATABASE_URL:
        raise StartError("The database of DATABASE_URL does not answer.", "Start it, or unset DATABASE_URL.")
    server = Server(folder)
    before = settings.DATABASE_URL
    use(server.start())
    try:
        yield
    finally:
        connection.close()
        server.stop()
        use(before)


def _answers() -> bool:
    try:
        connection.ensure_connection()
    except OperationalError:
        return False
    return True


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A fresh, migrated database of a random name as the default one; dropped at the end, whatever happened.

    Yields its name. The caller closes what it opened there by other ways (Feast's pools) before the end.
    """
    name = f"scratch_{secrets.token_hex(6)}"
    before = settings.DATABASE_URL
    _execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    use(f"{before.rpartition('/')[0]}/{name}")
    try:
        schema.migrate()
        yield name
    finally:
        use(before)
        _execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(statement: sql.Composed) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
