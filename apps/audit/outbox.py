"""The outbox: what must follow a commit is a row of the same transaction, and a worker does it later.

A row is claimed with SKIP LOCKED by a database session. The claim ends when it is marked, when its lease
passes, or when that session is gone from pg_stat_activity, so a worker killed by -9 frees its row at once.
`attempts` fences: a worker that was frozen beyond its lease finds the number changed and cannot mark the row.
Handlers run outside any transaction, at least once, and must be idempotent. They must not close the default
database connection, which is what proves that their worker lives.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import connection, transaction
from django.utils.module_loading import import_string

from .hints import hinter
from .models import Outbox

log = structlog.get_logger(__name__)

LEASE_S = 420  # above the hard time limit of a task (330 s): a live owner never loses its claim
MAX_FAILURES = 10  # a handler that raised so often is parked
MAX_ATTEMPTS = 50  # a row whose workers died so often is parked
MAX_BACKOFF_S = 60
DRAIN_BUDGET_S = 60.0  # leaves the last handler four minutes of its task's soft limit
MAX_ERROR_CHARS = 2000

_handlers: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Claim:
    id: int
    kind: str
    key: str
    payload: dict[str, Any]
    attempts: int


def register(kind: str, dotted_path: str) -> None:
    """Name the function `handler(*, key, payload)` of a kind. Called from an AppConfig.ready()."""
    _handlers[kind] = dotted_path


def add(*, kind: str, key: str, payload: dict[str, Any] | None = None) -> None:
    """Write the row, unless (kind, key) is there already; belongs into the transaction of its cause."""
    Outbox.objects.bulk_create([Outbox(kind=kind, key=key, payload=payload or {})], ignore_conflicts=True)
    transaction.on_commit(hinter.wish, robust=True)


def drain(limit: int = 100) -> int:
    """Do rows, oldest first, until none is ready, `limit` are done or the time is up; the number tried."""
    started = time.monotonic()
    _park_crashers()
    tried = 0
    while tried < limit and time.monotonic() - started < DRAIN_BUDGET_S:
        claim = claim_next()
        if claim is None:
            break
        tried += 1
        _perform(claim)
    return tried


def claim_next(lease_s: int = LEASE_S) -> Claim | None:
    """Take the oldest row that is ready and of a kind known here."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"kinds": list(_handlers), "lease_s": lease_s})
        row = cursor.fetchone()
    if row is None:
        return None
    found = Outbox.objects.values("kind", "key", "payload").get(pk=row[0])
    return Claim(id=row[0], attempts=row[1], **found)


def mark_done(claim: Claim) -> bool:
    """False: the claim was lost to another worker meanwhile, and nothing is changed."""
    return _mark(_DONE, [claim.id, claim.attempts])


def mark_failed(claim: Claim, error: str) -> bool:
    """Put the row back with a delay that doubles, or park it as dead; False as with `mark_done`."""
    text = error.replace("\x00", "�")[:MAX_ERROR_CHARS]
    return _mark(_FAILED, [text, MAX_FAILURES, MAX_BACKOFF_S, claim.id, claim.attempts])


def revive(row_id: int) -> bool:
    """Give a dead row a new life; False if it is not dead."""
    alive = {"state": "pending", "failures": 0, "attempts": 0}
    return Outbox.objects.filter(pk=row_id, state="dead").update(**alive) == 1


def _park_crashers() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_PARK_CRASHERS, [MAX_ATTEMPTS])


def _perform(claim: Claim) -> None:
    bound = log.bind(outbox=claim.id, kind=claim.kind, key=claim.key)
    try:
        import_string(_handlers[claim.kind])(key=claim.key, payload=claim.payload)
    except Exception as exc:  # noqa: BLE001  # one bad row must not stop the others; it is logged and parked
        bound.warning("outbox_handler_failed", error=repr(exc), attempts=claim.attempts)
        kept = mark_failed(claim, f"{type(exc).__name__}: {exc}")
    else:
        kept = mark_done(claim)
    if not kept:
        bound.warning("outbox_claim_lost")


def _mark(sql: str, params: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return bool(cursor.rowcount == 1)


# PostgreSQL lists its sessions once per transaction, so a session that began later is missing from that list
# though it lives: only claims made before this transaction may be judged by it.
_ABANDONED = """(o.state = 'claimed' AND (o.lease_until < clock_timestamp() OR (o.claimed_at < now()
    AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a
                     WHERE a.pid = o.owner_pid AND a.backend_start = o.owner_start))))"""
_CLAIM = f"""
UPDATE audit_outbox SET state = 'claimed', attempts = attempts + 1, claimed_at = clock_timestamp(),
       lease_until = clock_timestamp() + make_interval(secs => %(lease_s)s),
       owner_pid = pg_backend_pid(),
       owner_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
 WHERE id = (
    SELECT o.id FROM audit_outbox o
     WHERE o.kind = ANY(%(kinds)s)
       AND ((o.state = 'pending' AND o.not_before <= clock_timestamp()) OR {_ABANDONED})
     ORDER BY o.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, attempts
"""  # noqa: S608  # composed of constants
_PARK_CRASHERS = f"""
UPDATE audit_outbox o SET state = 'dead', last_error = 'its worker died each time'
 WHERE o.attempts >= %s AND {_ABANDONED}
"""  # noqa: S608  # composed of constants
_DONE = """
UPDATE audit_outbox SET state = 'done', done_at = clock_timestamp(), last_error = ''
 WHERE id = %s AND attempts = %s AND state = 'claimed'
"""
_FAILED = """
UPDATE audit_outbox o SET failures = failures + 1, last_error = p.error,
       state = CASE WHEN failures + 1 >= p.max_failures THEN 'dead' ELSE 'pending' END,
       not_before = clock_timestamp() + make_interval(secs => least(power(2, failures), p.max_backoff_s))
  FROM (SELECT %s::text AS error, %s::int AS max_failures, %s::float AS max_backoff_s) p
 WHERE o.id = %s AND o.attempts = %s AND o.state = 'claimed'
"""
