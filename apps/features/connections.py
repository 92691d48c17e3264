"""Connections to the database beside Django's own: for Feast's stores and for locks that outlive a
transaction.

Feast's stock pool loses a slot on every error, and its single connection stays dead after a restart of the
server. Here a connection goes back only when it is sound, and the first use after a restart reconnects by
itself.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from django.db import OperationalError, connection
from psycopg.conninfo import make_conninfo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
Connection = psycopg.Connection[tuple[Any, ...]]

# Django's own keys in OPTIONS; everything else there is libpq's.
_NOT_LIBPQ = {"pool", "assume_role", "isolation_level", "server_side_binding", "options"}


def parameters() -> dict[str, Any]:
    """How to reach the database of Django's default connection now (tests and scratch databases switch
    it)."""
    settings = connection.settings_dict
    named = {
        "host": settings["HOST"],
        "port": settings["PORT"],
        "dbname": settings["NAME"],
        "user": settings["USER"],
        "password": settings["PASSWORD"],
        **{key: value for key, value in settings["OPTIONS"].items() if key not in _NOT_LIBPQ},
    }
    # UTC whatever the role's time zone is: a naive rendering would shift event times by hours.
    return {key: value for key, value in named.items() if value not in {"", None}} | {
        "options": "-c timezone=UTC"
    }


def conninfo() -> str:
    """`parameters` as one libpq string."""
    return make_conninfo(**parameters())


@contextlib.contextmanager
def dedicated() -> Iterator[Connection]:
    """One connection of its own, closed at the end: session locks on it die with the process."""
    try:
        own = psycopg.connect(conninfo(), autocommit=True)
    except psycopg.OperationalError as error:
        raise OperationalError(str(error)) from error
    with contextlib.closing(own):
        yield own


class Connections:
    """A few idle connections to one database, shared by threads; no background threads, nothing to leak."""

    def __init__(self, info: str, *, keep: int = 8) -> None:
        self._info = info
        self._keep = keep
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    def run(self, work: Callable[[Connection], T]) -> T:
        """`work` on a sound connection. A connection that died before is replaced, and `work` runs a second
        time.

        `work` must be safe to repeat.

        Raises:
            OperationalError: the database does not answer (Django's, as for every other query).
        """
        try:
            return self._once(work)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self.close()  # whatever killed one killed all
        try:
            return self._once(work)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise OperationalError(str(error)) from error

    def close(self) -> None:
        """Close what is idle; connections in use are closed by their users if they broke."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection_ in idle:
            connection_.close()

    def _once(self, work: Callable[[Connection], T]) -> T:
        with self._lock:
            taken = self._idle.pop() if self._idle else None
        used = taken or psycopg.connect(self._info, autocommit=True)
        try:
            return work(used)
        finally:
            self._give_back(used)

    def _give_back(self, used: Connection) -> None:
        sound = not used.closed and used.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        with self._lock:
            if sound and len(self._idle) < self._keep:
                self._idle.append(used)
                return
        used.close()
