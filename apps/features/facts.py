"""Facts: what other rooms know of an entity, appended row by row, each with the moment at which it was known.

The owner of a fact puts it here, in its own transaction or through the outbox; this room computes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from apps.audit import outbox
from apps.audit.models import Outbox

from . import fact_checks, fact_schema, locks
from .models import FactRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from .fact_schema import FactView

FACTS_KIND = "features.facts"
PUBLISH_KIND = "features.publish_facts"

_NEXT = """
    SELECT coalesce(max(version), 0) + 1,
           greatest(clock_timestamp(), coalesce(max(known_at), '-infinity') + interval '1 microsecond')
    FROM features_factrow WHERE view = %s AND entity = %s
"""
# The columns that no newer message, and not this one either, has told before; they are marked as told.
_MARK = """
    INSERT INTO features_factmark AS m (view, entity, "column", message)
    SELECT %s, %s, k, %s FROM unnest(%s::text[]) AS k
    ON CONFLICT (view, entity, "column") DO UPDATE SET message = excluded.message
    WHERE m.message < excluded.message
    RETURNING "column"
"""


@transaction.atomic
def put(*, view: str, entity: str, values: Mapping[str, Any]) -> FactRow | None:
    """Merge `values` into what is known of `entity`, as a new row, and ask for its publication online.

    Columns that are not given keep their values; None takes one back. Nothing is written if nothing changes.
    The lock is held until the caller's transaction ends, so that no row can commit out of order: keep the
    rest of it short. `known_at` is the clock inside the lock.

    Raises:
        InvalidInputError: unknown view or column, no such entity, wrong type or range; `field` names it.
    """
    found, changes = _checked(view, entity, values)
    locks.hold(locks.FACTS_LOCK)
    return _append(found, entity, changes)


@transaction.atomic
def take(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `features.facts`: put `payload` (view, entity, values).

    Entries may come twice, or out of order when several workers take them: each column keeps the value of
    the newest entry.

    Raises:
        InvalidInputError: as `put`.
    """
    view, changes = _checked(payload.get("view"), payload.get("entity"), payload.get("values"))
    entity = str(payload["entity"])
    message = Outbox.objects.filter(kind=FACTS_KIND, key=key).values_list("pk", flat=True).first()
    locks.hold(locks.FACTS_LOCK)
    if message is not None:
        fresh = _mark(view, entity, message, list(changes))
        changes = {column: value for column, value in changes.items() if column in fresh}
    _append(view, entity, changes)


def current(view: str, entity: str) -> FactRow | None:
    """The newest row, published or not; None if nothing was ever put."""
    return FactRow.objects.filter(view=view, entity=entity).order_by("-version").first()


def newest_of(view: str, entities: Collection[str]) -> dict[str, FactRow]:
    """The newest row of each of these entities that has one; one query."""
    rows = FactRow.objects.filter(view=view, entity__in=entities).order_by("entity", "-version")
    return {row.entity: row for row in rows.distinct("entity")}


def history(view: str, entity: str, limit: int = 50) -> list[FactRow]:
    """The newest rows, newest first."""
    return list(FactRow.objects.filter(view=view, entity=entity).order_by("-version")[:limit])


def newest(view: str) -> list[FactRow]:
    """The newest row of every entity."""
    rows = FactRow.objects.filter(view=view).order_by("entity", "-version")
    return list(rows.distinct("entity"))


def settle() -> datetime:
    """Wait until no facts are being put; nothing known at or before the returned moment can appear later.

    Raises:
        FactsInProgressError: a transaction has been putting facts for more than five seconds.
    """
    return locks.settle(
        locks.FACTS_LOCK, locks.FactsInProgressError("Facts are being written; ask again in a moment.")
    )


def _checked(view: Any, entity: Any, values: Any) -> tuple[FactView, dict[str, Any]]:
    found = fact_schema.find(view)
    fact_checks.check_entity(found, entity)
    return found, fact_checks.check(found, values)


def _append(view: FactView, entity: str, changes: Mapping[str, Any]) -> FactRow | None:
    """A row with `changes` merged in; the caller holds the lock."""
    old = current(view.name, entity)
    known = fact_schema.restore(view, old.values) if old else {}
    merged = {column: value for column, value in {**known, **changes}.items() if value is not None}
    if merged == known:
        return None
    fact_checks.check_shares(view, merged)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [view.name, entity])
        version, known_at = cursor.fetchone()
    row = FactRow.objects.create(
        view=view.name, entity=entity, version=version, known_at=known_at, values=merged
    )
    if view.is_online:
        outbox.add(kind=PUBLISH_KIND, key=str(row.pk))
    return row


def _mark(view: FactView, entity: str, message: int, columns: list[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [view.name, entity, message, columns])
        return {column for (column,) in cursor.fetchall()}
