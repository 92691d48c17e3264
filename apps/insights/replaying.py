"""Learnt vectors on their way through the store: released, published to Feast, read back as usual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.audit import outbox
from apps.common.canonical import digest
from apps.features import reading, releases, store
from apps.features.names import ACTIVE_SERVICE, JOIN_KEY
from apps.features.schema import CONTENT_COLUMNS, ProfileContent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.profiles import Vector
    from apps.features.models import Release

AUTHOR = "replay"
BATCH = 500


class NotServedError(Exception):
    """The release was not published; the outbox holds the reason."""


def through_store(
    vectors: Mapping[str, Vector], *, split_hash: str
) -> tuple[dict[str, dict[str, Any]], Release, int]:
    """Publish the vectors as one release into the present database, and read every series back online.

    Returns the vectors as served (by series id, nulls left out), the release, and the number of values read.

    Raises:
        NotServedError: publication failed.
    """
    contents = {name: _content(name, vector, split_hash) for name, vector in vectors.items()}
    with transaction.atomic():
        release = releases.append_release(
            kind="import",
            author=AUTHOR,
            reason=f"Learnt from the training slices of split {split_hash}",
            manifest=[{"insight": AUTHOR, "revision": 1}],
            changes=contents,
        )
    outbox.drain()
    release.refresh_from_db()
    if release.served_at is None:
        raise NotServedError(f"release {release.number} was not published; see `manage.py outbox`")
    served = _read(sorted(vectors))
    return served, release, sum(len(vector) for vector in served.values())


def _content(name: str, vector: Vector, split_hash: str) -> ProfileContent:
    """A learnt vector with the source that every served value needs: the split that it was learnt from."""
    confidence = vector.get("confidence")
    source = {
        "insight": AUTHOR,
        "revision": 1,
        "confidence": float(confidence) if isinstance(confidence, int | float) else 0.5,
        "document": f"replay of {name}",
        "sha256": digest({"series": name, "split": split_hash}),
        "lines": [1, 1],
    }
    values = {
        column: value for column, value in vector.items() if column in CONTENT_COLUMNS and value is not None
    }
    return ProfileContent(values=values, sources=dict.fromkeys(values, source))


def _read(keys: list[str]) -> dict[str, dict[str, Any]]:
    """Rows of the active service, in batches, nulls left out."""
    opened = store.open_store()
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        now = reading.standing()
        selection = reading.select(now, feature_service=ACTIVE_SERVICE)
        columns = reading.read(opened, selection, batch, now=now, min_confidence=None, consumer=AUTHOR)
        by_name = {column.name: column.values for column in columns}
        for position, key in enumerate(batch):
            row = {name: values[position] for name, values in by_name.items() if name != JOIN_KEY}
            found[key] = {name: value for name, value in row.items() if value is not None}
    return found
