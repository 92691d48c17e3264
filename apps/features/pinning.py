"""Pins: a release that stays readable under its own name until someone retires it.

Pinning and unpinning are rows; a worker makes Feast follow. A retired pin is unreadable at once, since the
door asks the database which pins stand; its definitions and rows are cleared afterwards.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from apps.audit import ledger, outbox
from apps.common import failpoints
from apps.common.errors import DomainError, NotFoundError

from . import publication
from .models import Pin
from .names import pinned_service
from .releases import get_release, rows_at

if TYPE_CHECKING:
    from .definitions import Definition
    from .feast_store import Store

PIN_KIND = "features.pin"
STEPS = (
    "features.pin.claimed",
    "features.pin.locked",
    "features.pin.applied",
    "features.pin.written",
    "features.pin.read_back",
    "features.pin.marking",
    "features.pin.committed",
    "features.unpin.service_gone",
    "features.unpin.view_gone",
    "features.unpin.rows_gone",
    "features.unpin.committed",
)


class NotPinnedError(DomainError):
    """Unpinning what nobody pinned."""

    code = "not_pinned"


@transaction.atomic
def pin(*, number: int, author: str) -> Pin:
    """Ask for release `number` to stay readable as `detection__rN`. Pinning twice is one pin.

    Raises:
        NotFoundError: no such release.
    """
    release = get_release(number)
    found, made = Pin.objects.select_for_update().get_or_create(
        release=release, defaults={"pinned_by": author}
    )
    if not made and found.state == Pin.State.PINNED:
        return found
    if not made:
        found.state, found.turn, found.pinned_by = Pin.State.PINNED, found.turn + 1, author
        found.save(update_fields=["state", "turn", "pinned_by"])
    _ask(found)
    ledger.record(actor=author, action="release.pinned", object_type="release", object_id=number)
    return found


@transaction.atomic
def unpin(*, number: int, author: str) -> Pin:
    """Retire the pin of release `number`; reading it fails from this commit on.

    Raises:
        NotFoundError: no such release.
        NotPinnedError: it is not pinned.
    """
    get_release(number)
    found = Pin.objects.select_for_update().filter(release_id=number).first()
    if found is None or found.state != Pin.State.PINNED:
        raise NotPinnedError(f"Release {number} is not pinned.", remedy="Releases list which pins stand.")
    found.state, found.turn, found.served_at = Pin.State.RETIRING, found.turn + 1, None
    found.save(update_fields=["state", "turn", "served_at"])
    _ask(found)
    ledger.record(actor=author, action="release.unpinned", object_type="release", object_id=number)
    return found


def converge(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `features.pin`: make Feast hold what the pin's row says now (`key` is
    "release.turn").

    Raises:
        PublicationError: what was read back is not what was written.
    """
    del payload
    failpoints.reach("features.pin.claimed")
    number = int(key.partition(".")[0])
    with publication.publication_lock() as store:
        failpoints.reach("features.pin.locked")
        publication.publish_pending(store)
        settle_pin(store, number)


def settle_pin(store: Store, number: int) -> None:
    """Serve or clear the pin of release `number`, whichever is due; the caller holds the publication lock."""
    from . import definitions

    found = Pin.objects.select_related("release").filter(release_id=number).first()
    if found is None:
        raise NotFoundError(f"Release {number} was never pinned.")
    definition = definitions.pinned(found.release)
    if found.state == Pin.State.PINNED and found.served_at is None:
        _serve(store, found, definition)
    elif found.state == Pin.State.RETIRING:
        _retire(store, found, definition)


def standing() -> list[int]:
    """Releases whose pins are readable now."""
    pins = Pin.objects.filter(state=Pin.State.PINNED, served_at__isnull=False)
    return list(pins.order_by("release_id").values_list("release_id", flat=True))


def service_name(pinned: Pin) -> str:
    """The name under which clients read it."""
    return pinned_service(pinned.release_id)


def _ask(pinned: Pin) -> None:
    outbox.add(kind=PIN_KIND, key=f"{pinned.release_id}.{pinned.turn}", payload={})


def _serve(store: Store, pinned: Pin, definition: Definition) -> None:
    from . import vectors

    publication.ensure(store, definition)
    failpoints.reach("features.pin.applied")
    moment = pinned.release.known_at
    rows = list(rows_at(pinned.release_id).values())
    vectors.write(store, definition.view, rows, at=moment)
    failpoints.reach("features.pin.written")
    publication.confirm(store, definition, rows, at=moment)
    failpoints.reach("features.pin.read_back")
    with transaction.atomic(), connection.cursor() as cursor:
        # `turn` fences: somebody may have unpinned meanwhile, and then this is not served.
        cursor.execute(
            "UPDATE features_pin SET served_at = clock_timestamp() WHERE id = %s AND turn = %s",
            [pinned.pk, pinned.turn],
        )
        publication.announce()
        failpoints.reach("features.pin.marking")
    failpoints.reach("features.pin.committed")


def _retire(store: Store, pinned: Pin, definition: Definition) -> None:
    clear(store, definition)
    with transaction.atomic():
        Pin.objects.filter(pk=pinned.pk, turn=pinned.turn).update(state=Pin.State.RETIRED)
        publication.announce()
    failpoints.reach("features.unpin.committed")


def clear(store: Store, definition: Definition) -> None:
    """Take a pinned view out of Feast: service, view, source, then its online rows. What is gone already is
    fine."""
    from feast.errors import FeastObjectNotFoundException

    registry, project = store.registry, store.project
    with contextlib.suppress(FeastObjectNotFoundException):
        registry.delete_feature_service(definition.service.name, project)
    failpoints.reach("features.unpin.service_gone")
    with contextlib.suppress(FeastObjectNotFoundException):
        registry.delete_feature_view(definition.view.name, project)
    with contextlib.suppress(FeastObjectNotFoundException):
        registry.delete_data_source(definition.source.name, project)
    failpoints.reach("features.unpin.view_gone")
    store.online_store.update(store.config, [definition.view], [], [], [], partial=False)
    failpoints.reach("features.unpin.rows_gone")
    store.renew()
