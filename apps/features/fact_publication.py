"""Publication of facts: the newest row of an entity becomes what Feast serves, crash-safe as for releases.

There is no pointer to move: what is served is the newest row that was written and read back, and every step
may be repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.common import failpoints

from . import facts, publication
from .models import FactRow

if TYPE_CHECKING:
    from .feast_store import Store

STEPS = (
    "features.facts.claimed",
    "features.facts.locked",
    "features.facts.applied",
    "features.facts.written",
    "features.facts.read_back",
)


def publish(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `features.publish_facts`: serve the newest row of the entity whose row `key` is.

    Raises:
        PublicationError: what was read back is not what was written.
    """
    del payload
    failpoints.reach("features.facts.claimed")
    asked = FactRow.objects.get(pk=int(key))
    with publication.publication_lock() as store:
        failpoints.reach("features.facts.locked")
        row = facts.current(asked.view, asked.entity) or asked
        _serve(store, row)


def _serve(store: Store, row: FactRow) -> None:
    from . import definitions, vectors

    definition = definitions.of_facts(row.view)
    if publication.ensure(store, definition):
        with transaction.atomic():
            publication.announce()
    failpoints.reach("features.facts.applied")
    vectors.write(store, definition.view, [row])
    failpoints.reach("features.facts.written")
    publication.confirm(store, definition, [row])
    failpoints.reach("features.facts.read_back")
