"""Profile rows as Feast's values: what the online store holds for each row of the database. Loads Feast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from apps.common.times import iso_us

from .names import JOIN_KEY
from .schema import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from feast import FeatureView

    from .feast_store import Store
    from .models import ProfileRow

_WRITE_CHUNK = 5_000
_READ_CHUNK = 1_000


def vector(row: ProfileRow) -> dict[str, Value]:
    """Every column of the profile, null where the row is silent."""
    moment = iso_us(row.known_at)
    known: dict[str, Any] = {
        **row.values,
        "status": row.status,
        "release": row.release_id,
        "version": row.version,
        "known_at_iso": moment,
        "valid_from": moment,
    }
    return {name: _value(kind, known.get(name)) for name, kind in TYPES.items()}


def entity_key(series: str) -> EntityKey:
    """Feast's key of one series."""
    return EntityKey(join_keys=[JOIN_KEY], entity_values=[Value(string_val=series)])


def keys(rows: Iterable[ProfileRow]) -> list[bytes]:
    """The online store's keys of `rows`."""
    return [bytes(serialize_entity_key(entity_key(row.series), 3)) for row in rows]


def write(store: Store, view: FeatureView, rows: Sequence[ProfileRow], *, at: datetime | None = None) -> None:
    """Write `rows` online under `view`, as known at `at` (a pin) or at each row's own moment."""
    data: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
        (entity_key(row.series), vector(row), at or row.known_at, None) for row in rows
    ]
    for start in range(0, len(data), _WRITE_CHUNK):
        store.provider.online_write_batch(store.config, view, data[start : start + _WRITE_CHUNK], None)


def differences(
    store: Store, view: FeatureView, rows: Iterable[ProfileRow], *, at: datetime | None = None
) -> list[str]:
    """Series whose online row under `view` is not exactly the database's."""
    wanted = list(rows)
    wrong = []
    for start in range(0, len(wanted), _READ_CHUNK):
        chunk = wanted[start : start + _READ_CHUNK]
        found = store.provider.online_read(store.config, view, [entity_key(row.series) for row in chunk])
        for row, (moment, values) in zip(chunk, found, strict=True):
            if moment != (at or row.known_at) or values != vector(row):
                wrong.append(row.series)
    return wrong


def _value(kind: str, plain: Any) -> Value:
    if plain is None:
        return Value()
    if kind == "float":
        return Value(double_val=float(plain))
    if kind == "int":
        return Value(int64_val=int(plain))
    return Value(string_val=str(plain))
