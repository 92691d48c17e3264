"""The Feast store of this process: opened once, after fork, for the database that Django uses now.

Feast takes seconds to import, so nothing here imports it before the first use.
"""

from __future__ import annotations

import gc
import os
import threading
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from sqlalchemy.engine import URL

from apps.common.health import HealthError

from .connections import Connections, conninfo, dedicated, parameters

if TYPE_CHECKING:
    from .feast_store import Store

REGISTRY_SCHEMA = "feast_registry"
_TABLES_LOCK = 4_226_002  # two processes that make the registry's tables at once

_lock = threading.RLock()
_opened: dict[tuple[int, str], Store] = {}
_warming: set[int] = set()
_probe: dict[tuple[int, str], Connections] = {}


def open_store() -> Store:
    """The store for the current database, in this process (a forked child opens its own)."""
    key = (os.getpid(), conninfo())
    found = _opened.get(key)
    if found is None:
        with _lock:
            found = _opened.get(key) or _open(key)
    return found


def _open(key: tuple[int, str]) -> Store:
    from . import definitions, publication
    from .feast_store import build

    with dedicated() as own:
        own.execute("SELECT pg_advisory_lock(%s)", [_TABLES_LOCK])
        made = build(
            project=settings.FEAST_PROJECT, registry_url=_registry_url(), info=key[1], named=parameters()
        )
        missing = [found for found in definitions.standing() if not publication.stands(made, found)]
        if missing:
            # So that a fresh installation answers "detection" with nulls rather than "no such service".
            own.execute("SELECT pg_advisory_lock(%s)", [publication.PUBLICATION_LOCK])
            for definition in missing:
                publication.ensure(made, definition)
    _opened[key] = made
    return made


def close_stores() -> None:
    """Forget every store of this process and close its connections (before a database is dropped)."""
    with _lock:
        for found in _opened.values():
            found.disconnect()
        for connections in _probe.values():
            connections.close()
        _opened.clear()
        _probe.clear()


def warm_up(*, freeze: bool = False) -> None:
    """Load Feast and open the store now rather than in the first request.

    With `freeze`, what is loaded leaves the garbage collector's sight: full collections of Feast's many
    objects otherwise cost reads 60 to 170 ms now and then.
    """
    open_store()
    if freeze:
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)


def warm_up_in_background(*, freeze: bool = True) -> None:
    """`warm_up` in a thread of this process, once; a web worker answers `/healthz` meanwhile."""
    with _lock:
        if os.getpid() in _warming:
            return
        _warming.add(os.getpid())
    threading.Thread(target=_warm, kwargs={"freeze": freeze}, daemon=True, name="feast-warm-up").start()


def _warm(*, freeze: bool) -> None:
    try:
        warm_up(freeze=freeze)
    finally:
        connection.close()  # this thread's own
        _warming.discard(os.getpid())


def health() -> None:
    """Health check: registry and online store answer. Never loads Feast in the request that asks.

    Raises:
        HealthError: still warming up (which this call sets off), or unreadable.
    """
    key = (os.getpid(), conninfo())
    if key not in _opened:
        warm_up_in_background()
        raise HealthError("warming up")
    probe = _probe.setdefault(key, Connections(key[1], keep=1))
    try:
        probe.run(
            lambda c: c.execute(
                "SELECT (SELECT count(*) FROM feast_registry.projects),"
                " (SELECT 1 FROM feast_online.feast_kv LIMIT 1)"
            ).fetchone()
        )
    except Exception as error:
        raise HealthError("registry or online store is not readable") from error


def _registry_url() -> str:
    """SQLAlchemy's URL of the registry: same database, its own schema."""
    named = parameters()
    host = str(named.pop("host", ""))
    query = {
        key: str(value) for key, value in named.items() if key not in {"user", "password", "port", "dbname"}
    }
    query["options"] = f"-csearch_path={REGISTRY_SCHEMA} -ctimezone=UTC"
    socket = host.startswith("/")
    url = URL.create(
        "postgresql+psycopg",
        username=named.get("user"),
        password=named.get("password"),
        host=None if socket else host or None,
        port=int(named["port"]) if named.get("port") and not socket else None,
        database=named.get("dbname"),
        query={**query, **({"host": host, "port": str(named.get("port", 5432))} if socket else {})},
    )
    return url.render_as_string(hide_password=False)
