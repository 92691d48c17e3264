"""Learnt vectors on their way through the store: released, published to Feast, read back as usual."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.audit import outbox
from apps.common.canonical import digest
from apps.features import reading, releases, store
from apps.features.models import SERIES_LENGTH, SERIES_PATTERN, Release
from apps.features.names import ACTIVE_SERVICE
from apps.features.schema import CONTENT_COLUMNS, ProfileContent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.profiles import Vector

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
    keys = {name: entity_key(name) for name in vectors}
    contents = {keys[name]: _content(name, vector, split_hash) for name, vector in vectors.items()}
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
    served = _read(sorted(keys.values()))
    found = {name: served[key] for name, key in keys.items()}
    return found, release, sum(len(vector) for vector in found.values())


def entity_key(series_id: str) -> str:
    """The series' own id where the store takes it, else a name made of its hash (others' file names)."""
    if len(series_id) <= SERIES_LENGTH and re.fullmatch(SERIES_PATTERN, series_id):
        return series_id
    return f"replay/{hashlib.sha256(series_id.encode()).hexdigest()[:32]}"


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
            row = {name: values[position] for name, values in by_name.items()}
            found[key] = {name: value for name, value in row.items() if value is not None}
    return found
