"""The ledger: who did what, append-only, each row carrying the hash of the one before.

`hash = SHA-256(prev || canonical JSON of the row)`. One lock per chain orders the writers, held until their
transaction ends: a service calls `record` last.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from apps.common.canonical import canonical_json
from apps.common.errors import require
from apps.common.times import iso_us

from .models import GENESIS, AuditRecord

if TYPE_CHECKING:
    from datetime import datetime

HASHED = ("prev", "at", "id", "actor", "action", "object_type", "object_id", "data")
CHAIN_LOCK = 0x61756469  # "audi": one chain, one number for its advisory lock


@dataclass(frozen=True, slots=True)
class Finding:
    """What `verify` found. `first_bad` is the lowest id that is missing or does not fit, else None."""

    rows: int
    head: str
    first_bad: int | None
    reason: str

    @property
    def ok(self) -> bool:
        return self.first_bad is None and not self.reason


def record(
    *, actor: str, action: str, object_type: str, object_id: str | int, data: dict[str, Any] | None = None
) -> None:
    """Append one row in the caller's transaction; `data` must be plain JSON values.

    Raises:
        TransactionManagementError: there is no transaction, so the row could outlive an effect that failed.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("the ledger is written in the transaction of its cause")
    text = canonical_json(data or {}).decode()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
        # A statement of its own: its snapshot must be younger than the lock.
        cursor.execute(
            "SELECT clock_timestamp(), h.id, h.hash FROM (SELECT 1) AS one LEFT JOIN LATERAL "
            "(SELECT id, hash FROM audit_auditrecord ORDER BY id DESC LIMIT 1) AS h ON true"
        )
        at, last_id, last_hash = require(cursor.fetchone(), "the head of the ledger")
    row = AuditRecord(
        id=(last_id or 0) + 1,
        at=at,
        actor=actor,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        data=text,
        prev=last_hash or GENESIS,
    )
    row.hash = row_hash(*(getattr(row, name) for name in HASHED))
    row.save(force_insert=True)


def row_hash(prev: str, at: datetime, *rest: str | int) -> str:
    """What the hash of a row with these columns, in the order of HASHED, has to be."""
    return hashlib.sha256(prev.encode() + canonical_json([iso_us(at), *rest])).hexdigest()


def verify(*, expect_head: str | None = None) -> Finding:
    """Walk the whole chain in order of id.

    A change, a deletion or an insertion in the middle shows as the first id that does not fit. Rows deleted
    from the end leave a shorter chain that is sound in itself: only `expect_head`, kept outside, shows that.
    """
    rows, prev = 0, GENESIS
    head_seen = expect_head in {None, GENESIS}
    columns = AuditRecord.objects.order_by("id").values_list("hash", *HASHED)
    for found, *hashed in columns.iterator(chunk_size=5000):
        row_id, follows = hashed[2], hashed[0]
        if row_id > rows + 1:
            return Finding(rows, prev, rows + 1, "missing row")
        if row_id != rows + 1:
            return Finding(rows, prev, row_id, "unexpected id")
        if follows != prev:
            return Finding(rows, prev, row_id, "does not follow the row before")
        if row_hash(*hashed) != found:
            return Finding(rows, prev, row_id, "content does not match its hash")
        rows, prev = row_id, found
        head_seen = head_seen or prev == expect_head
    if not head_seen:
        return Finding(rows, prev, rows + 1, "the expected head is not in the chain: newest rows are missing")
    return Finding(rows, prev, None, "")
