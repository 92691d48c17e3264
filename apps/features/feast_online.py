"""Feast's online store on one table: `feast_online.feast_kv`, a row per view and entity (ADR 0001).

Loaded by Feast through its configuration (`online_store.type`), and only after Feast itself.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from feast import Entity, FeatureView, RepoConfig, utils
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.core.PrecomputedFeatureVector_pb2 import PrecomputedFeatureVector
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel
from pydantic import Field

from .connections import Connection, Connections

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
Read = tuple[datetime | None, dict[str, Value] | None]
_MISSING: Read = (None, None)

# Older never overwrites newer; equal overwrites, so that a repeated write is harmless.
_WRITE = """
    INSERT INTO feast_online.feast_kv AS t (view, entity_key, payload, event_ts, created_ts)
    SELECT %s, * FROM unnest(%s::bytea[], %s::bytea[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (view, entity_key) DO UPDATE
    SET payload = excluded.payload, event_ts = excluded.event_ts, created_ts = excluded.created_ts
    WHERE excluded.event_ts >= t.event_ts
"""
_READ = """
    SELECT t.view, t.entity_key, t.payload, t.event_ts
    FROM unnest(%s::text[], %s::bytea[]) AS k (view, entity_key)
    JOIN feast_online.feast_kv t ON t.view = k.view AND t.entity_key = k.entity_key
"""


class KvOnlineStoreConfig(FeastConfigBaseModel):
    """`conninfo` is a libpq string; it stays out of reprs since it holds the password."""

    type: Literal["apps.features.feast_online.KvOnlineStore"] = "apps.features.feast_online.KvOnlineStore"
    conninfo: str = Field(repr=False)


class KvOnlineStore(OnlineStore):
    """All views of a project in one table: no DDL when a release is pinned, one query for any number of
    views."""

    def __init__(self) -> None:
        self._connections: Connections | None = None

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Drop the rows of deleted views; the table itself is made by a Django migration."""
        del tables_to_keep, entities_to_delete, entities_to_keep, partial
        for table in tables_to_delete:
            self._run(config, functools.partial(_delete, view=_name(config, table)))

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Drop the rows of `tables`."""
        self.update(config, tables, [], entities, [], False)

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: Sequence[Row],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write `data` in one statement: a reader sees all of a batch or nothing of it. All-null rows
        count."""
        best: dict[bytes, tuple[bytes, datetime, datetime | None]] = {}
        for entity, values, event_ts, created_ts in data:
            key = _key(config, entity)
            moment = _aware(event_ts)
            if key in best and best[key][1] > moment:
                continue
            vector = PrecomputedFeatureVector(feature_names=list(values), values=list(values.values()))
            best[key] = (vector.SerializeToString(), moment, _aware(created_ts) if created_ts else None)
        if best:
            rows = sorted(best.items())  # one order for all writers: no deadlocks
            columns = [list(column) for column in zip(*(value for _, value in rows), strict=True)]
            arguments = [_name(config, table), [key for key, _ in rows], *columns]
            self._run(config, lambda c: c.execute(_WRITE, arguments))
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: Sequence[EntityKey],
        requested_features: Sequence[str] | None = None,
    ) -> list[Read]:
        """One entry per key, in order; (None, None) where there is no row. The whole vector is returned."""
        del requested_features
        name = _name(config, table)
        pairs = [(name, _key(config, entity)) for entity in entity_keys]
        found = self._fetch(config, pairs)
        return [found.get(pair, _MISSING) for pair in pairs]

    def _read_features_per_fv(
        self,
        config: RepoConfig,
        grouped_refs: Sequence[tuple[FeatureView, list[str]]],
        join_key_values: dict[str, Any],
        entity_name_to_join_key_map: dict[str, str],
        online_features_response: Any,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """Feast's hook for reading several views at once: one query instead of one per view."""
        reads = []
        for table, features in grouped_refs:
            values, indexes, length = utils._get_unique_entities(
                table, join_key_values, entity_name_to_join_key_map
            )
            entities = utils._get_entity_key_protos(values)
            name = _name(config, table)
            reads.append((table, features, [(name, _key(config, e)) for e in entities], indexes, length))
        found = self._fetch(config, [pair for read in reads for pair in read[2]])
        for table, features, pairs, indexes, length in reads:
            utils._populate_response_from_feature_data(
                features,
                [found.get(pair, _MISSING) for pair in pairs],
                indexes,
                online_features_response,
                full_feature_names,
                table,
                length,
                include_feature_view_version_metadata,
            )

    def _fetch(self, config: RepoConfig, pairs: Sequence[tuple[str, bytes]]) -> dict[tuple[str, bytes], Read]:
        arguments = ([view for view, _ in pairs], [key for _, key in pairs])
        rows = self._run(config, lambda c: c.cursor(binary=True).execute(_READ, arguments).fetchall())
        found: dict[tuple[str, bytes], Read] = {}
        for view, key, payload, event_ts in rows:
            vector = PrecomputedFeatureVector.FromString(payload)
            found[view, key] = (event_ts, dict(zip(vector.feature_names, vector.values, strict=True)))
        return found

    def _run(self, config: RepoConfig, work: Callable[[Connection], Any]) -> Any:
        if self._connections is None:
            self._connections = Connections(config.online_store.conninfo)
        return self._connections.run(work)

    def disconnect(self) -> None:
        """Close the idle connections."""
        if self._connections is not None:
            self._connections.close()


def _delete(connection: Connection, *, view: str) -> None:
    connection.execute("DELETE FROM feast_online.feast_kv WHERE view = %s", [view])


def _name(config: RepoConfig, table: FeatureView) -> str:
    return f"{config.project}/{table.name}"


def _key(config: RepoConfig, entity: EntityKey) -> bytes:
    return bytes(serialize_entity_key(entity, config.entity_key_serialization_version))


def _aware(moment: datetime) -> datetime:
    """Feast's contract: a moment without zone is UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
