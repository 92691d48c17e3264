"""Publication: what the database has released becomes what Feast serves. Crash-safe: every step may be the
last.

One publisher at a time, by an advisory lock on a session of its own: it ends with the process, whatever
Django does with its connections, and it spans several transactions. Repeating any step does no harm:
definitions are applied when their digest differs, online rows are upserts that never go back in time, a
release is marked served once, and the pointer only moves forward. Feast is loaded by the first call.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, transaction

from apps.common import failpoints

from .connections import dedicated
from .models import ActivePointer, ProfileRow, Release

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .definitions import Definition
    from .feast_store import Store
    from .vectors import Row

log = structlog.get_logger(__name__)

PUBLICATION_LOCK = 4_226_003
STEPS = (
    "features.publish.claimed",
    "features.publish.locked",
    "features.publish.applied",
    "features.publish.written",
    "features.publish.read_back",
    "features.publish.pointer_moving",
    "features.publish.committed",
)

_MARK_SERVED = """
    UPDATE features_release SET served_at = greatest(clock_timestamp(), known_at)
    WHERE number = %s AND served_at IS NULL
"""
# The counter starts at the clock, not at 1: a database that was emptied or restored never repeats a value
# that some process has seen.
_MOVE_POINTER = """
    INSERT INTO features_activepointer AS p (id, release_id, changes)
    VALUES (1, %s, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    ON CONFLICT (id) DO UPDATE
    SET release_id = greatest(p.release_id, excluded.release_id), changes = p.changes + 1
"""

# Feast numbers the versions of a view by itself and cannot apply one whose row is gone while its history is
# not.
_FORGET_VERSIONS = """
    DELETE FROM feast_registry.feature_view_version_history
    WHERE project_id = %(project)s AND feature_view_name = %(view)s
      AND NOT EXISTS (SELECT 1 FROM feast_registry.feature_views
                      WHERE project_id = %(project)s AND feature_view_name = %(view)s)
"""


class PublicationError(Exception):
    """Feast does not hold what was written. The outbox tries again; the reconciler says what differs."""


def publish(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `features.publish`: serve every release up to the latest, in order.

    `key` is the number of the release that asked; a release that is served already makes this a no-op.

    Raises:
        PublicationError: what was read back is not what was written.
    """
    del payload
    failpoints.reach("features.publish.claimed")
    if not Release.objects.filter(number__lte=int(key), served_at=None).exists():
        return
    with publication_lock() as store:
        failpoints.reach("features.publish.locked")
        publish_pending(store)


@contextlib.contextmanager
def publication_lock() -> Iterator[Store]:
    """Hold the one publisher's lock; gives the store, with its registry cache up to date."""
    from .store import open_store

    store = open_store()
    with dedicated() as own:
        own.execute("SET lock_timeout = '60s'")  # a frozen publisher becomes an error that the outbox shows
        own.execute("SELECT pg_advisory_lock(%s)", [PUBLICATION_LOCK])
        yield store


def publish_pending(store: Store) -> list[int]:
    """Serve all releases that are not served yet, in order; the caller holds the lock. Their numbers."""
    from . import definitions

    pending = list(Release.objects.filter(served_at=None).order_by("number"))
    if pending:
        definition = definitions.active()
        ensure(store, definition)
        failpoints.reach("features.publish.applied")
        for release in pending:
            _publish_one(store, definition, release)
    return [release.number for release in pending]


def _publish_one(store: Store, definition: Definition, release: Release) -> None:
    from . import vectors

    rows = list(ProfileRow.objects.filter(release=release))
    vectors.write(store, definition.view, rows)
    failpoints.reach("features.publish.written")
    confirm(store, definition, rows)
    failpoints.reach("features.publish.read_back")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MARK_SERVED, [release.number])
        cursor.execute(_MOVE_POINTER, [release.number])
        failpoints.reach("features.publish.pointer_moving")
    failpoints.reach("features.publish.committed")
    log.info("release_published", release=release.number, rows=len(rows))


def ensure(store: Store, definition: Definition) -> bool:
    """Make the registry hold `definition`; True if it had to be applied (about 100 ms, so only when it
    differs).

    Raises:
        PublicationError: the registry shows another definition under this name right after.
    """
    if stands(store, definition):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_VERSIONS, {"project": store.project, "view": definition.view.name})
    store.apply([*definition.entities, definition.source, definition.view, definition.service])
    if not stands(store, definition):
        raise PublicationError(f"the registry does not hold {definition.view.name} as applied")
    store.renew()
    return True


def stands(store: Store, definition: Definition) -> bool:
    """Whether view and service are in the registry (not its cache) with the digest of `definition`."""
    from feast.errors import FeastObjectNotFoundException

    try:
        held = (
            store.registry.get_feature_view(definition.view.name, store.project, allow_cache=False),
            store.registry.get_feature_service(definition.service.name, store.project, allow_cache=False),
        )
    except FeastObjectNotFoundException:
        return False
    return all(found.tags.get("sha256") == definition.sha256 for found in held)


def confirm(store: Store, definition: Definition, rows: Sequence[Row], *, at: Any = None) -> None:
    """Read `rows` back from the online store.

    Raises:
        PublicationError: at least one differs.
    """
    from . import vectors

    wrong = vectors.differences(store, definition.view, rows, at=at)
    if wrong:
        raise PublicationError(f"{len(wrong)} online rows of {definition.view.name} differ, first {wrong[0]}")


def announce() -> None:
    """Tell every reader's process that definitions changed; in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE features_activepointer SET changes = changes + 1")


def pointer() -> ActivePointer | None:
    """The active release, None before the first publication."""
    return ActivePointer.objects.first()
