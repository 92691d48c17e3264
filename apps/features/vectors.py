"""Rows as Feast's values: what the online store holds for each row of the database, profiles and facts alike.

Loads Feast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from apps.common.times import iso_us

from . import fact_schema
from .models import FactRow, ProfileRow
from .names import JOIN_KEY
from .schema import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from feast import FeatureView

    from .feast_store import Store

Row: TypeAlias = ProfileRow | FactRow

_WRITE_CHUNK = 5_000
_READ_CHUNK = 1_000


def vector(row: Row) -> dict[str, Value]:
    """Every column of the row's view, null where the row is silent."""
    moment = iso_us(row.known_at)
    known: dict[str, Any] = {**row.values, "version": row.version, "known_at_iso": moment}
    if isinstance(row, FactRow):
        types = fact_schema.VIEWS[row.view].types
    else:
        types = TYPES
        known |= {"status": row.status, "release": row.release_id, "valid_from": moment}
    return {name: _value(kind, known.get(name)) for name, kind in types.items()}


def subject(row: Row) -> str:
    """What the row is about: a series, or the entity of a fact."""
    return row.entity if isinstance(row, FactRow) else row.series


def entity_key(*values: str, join_keys: Sequence[str] = (JOIN_KEY,)) -> EntityKey:
    """Feast's key of one series, or of an entity of facts: a value for each join key."""
    return EntityKey(join_keys=join_keys, entity_values=[Value(string_val=value) for value in values])


def keys(rows: Iterable[Row]) -> list[bytes]:
    """The online store's keys of `rows`."""
    return [bytes(serialize_entity_key(_key(row), 3)) for row in rows]


def write(store: Store, view: FeatureView, rows: Sequence[Row], *, at: datetime | None = None) -> None:
    """Write `rows` online under `view`, as known at `at` (a pin) or at each row's own moment.

    Raises:
        ValueError: the view is for training alone; nothing of it may ever stand online.
    """
    if rows and not view.online:
        raise ValueError(f"{view.name} is never served online")
    data: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
        (_key(row), vector(row), at or row.known_at, None) for row in rows
    ]
    for start in range(0, len(data), _WRITE_CHUNK):
        store.provider.online_write_batch(store.config, view, data[start : start + _WRITE_CHUNK], None)


def differences(
    store: Store, view: FeatureView, rows: Iterable[Row], *, at: datetime | None = None
) -> list[str]:
    """Series (or entities of facts) whose online row under `view` is not exactly the database's."""
    wanted = list(rows)
    wrong = []
    for start in range(0, len(wanted), _READ_CHUNK):
        chunk = wanted[start : start + _READ_CHUNK]
        found = store.provider.online_read(store.config, view, [_key(row) for row in chunk])
        for row, (moment, values) in zip(chunk, found, strict=True):
            if moment != (at or row.known_at) or values != vector(row):
                wrong.append(subject(row))
    return wrong


def _key(row: Row) -> EntityKey:
    if isinstance(row, ProfileRow):
        return entity_key(row.series)
    view = fact_schema.VIEWS[row.view]
    return entity_key(*view.parts(row.entity), join_keys=view.join_keys)


def _value(kind: str, plain: Any) -> Value:
    if plain is None:
        return Value()
    if kind == "float":
        return Value(double_val=float(plain))
    if kind == "int":
        return Value(int64_val=int(plain))
    return Value(string_val=str(plain))
