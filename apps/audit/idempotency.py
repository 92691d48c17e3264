"""`Idempotency-Key`: the answer to a POST is kept in the transaction of its effect, and sent again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from django.db import connection

from apps.common.errors import DomainError, InvalidInputError

from .models import IdempotencyRecord

MAX_KEY = 255
KEPT_DAYS = 30


class KeyReusedError(DomainError):
    """The key belongs to another request."""

    code: ClassVar[str] = "idempotency_key_reused"
    status: ClassVar[int] = 422


class InProgressError(DomainError):
    """A request with this key runs at this moment."""

    code: ClassVar[str] = "idempotency_in_progress"
    status: ClassVar[int] = 409


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who, under which key, and the hash of what was asked."""

    actor: str
    key: str
    request_hash: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    body: bytes


def checked_key(header: str | None) -> str | None:
    """The key, or None if none was sent.

    Raises:
        InvalidInputError: empty, longer than 255 characters, or not printable ASCII.
    """
    if header is None:
        return None
    if not (0 < len(header) <= MAX_KEY and header.isascii() and header.isprintable()):
        raise InvalidInputError(
            f"Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters.", field="Idempotency-Key"
        )
    return header


def request_hash(method: str, full_path: str, body: bytes) -> str:
    """What must be equal for a request to be the same one: method, path with query, body."""
    return hashlib.sha256(b"\n".join((method.encode(), full_path.encode(), body))).hexdigest()


def is_final(status: int) -> bool:
    """Whether an answer is kept. Not kept is what a repeat may change: no right yet, too fast, our fault."""
    return status < 500 and status not in {401, 403, 429}  # noqa: PLR2004


def enter(call: Call) -> Answer | None:
    """Hold the key until the caller's transaction ends; give back the answer if there is one already.

    Raises:
        InProgressError: another transaction holds the key.
        KeyReusedError: the key was used for another request.
    """
    with connection.cursor() as cursor:
        name = f"idempotency {call.actor} {call.key}"
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise InProgressError(
            "A request with this Idempotency-Key is running.",
            field="Idempotency-Key",
            remedy="Repeat it shortly.",
        )
    kept = IdempotencyRecord.objects.filter(actor=call.actor, key=call.key).first()
    if kept is None:
        return None
    if kept.request_hash != call.request_hash:
        raise KeyReusedError(
            "This Idempotency-Key was used for another request.",
            field="Idempotency-Key",
            remedy="Use a new key for a new request.",
        )
    return Answer(kept.status, kept.content_type, bytes(kept.body))


def keep(call: Call, answer: Answer) -> None:
    """Write the answer; belongs into the transaction of `enter`."""
    IdempotencyRecord.objects.create(
        actor=call.actor,
        key=call.key,
        request_hash=call.request_hash,
        status=answer.status,
        content_type=answer.content_type,
        body=answer.body,
    )


def forget_old() -> int:
    """Drop answers older than 30 days, by the database's clock; the number dropped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM audit_idempotencyrecord WHERE created_at < now() - make_interval(days => %s)",
            [KEPT_DAYS],
        )
        return int(cursor.rowcount)
