"""What stands in Feast's registry: the entities, the active view and its service, a pair for every pinned
release, and a pair for every view of facts.

Loads Feast; import it inside functions only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from feast import Entity, FeatureService, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Float64, Int64, String

from apps.common.canonical import digest
from apps.common.times import iso_us

from . import fact_schema
from .names import ACTIVE_SERVICE, ACTIVE_VIEW, ENTITY, JOIN_KEY, SERVICE, pinned_service, pinned_view
from .schema import ROW_COLUMNS, TYPES

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from .models import Release

_FEAST_TYPES = {"str": String, "int": Int64, "float": Float64}
_SQL_TYPES = {"str": "text", "int": "bigint", "float": "float8"}
_ISO = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
_ROW_SQL = {
    "status": "r.status::text",
    "release": "r.release_id::bigint",
    "version": "r.version::bigint",
    "known_at_iso": _ISO.format("r.known_at"),
    "valid_from": _ISO.format("r.known_at"),
}


@dataclass(frozen=True)
class Definition:
    """A view with its entities, source and the service that names it; `sha256` is in the tags of both."""

    entities: tuple[Entity, ...]
    source: PostgreSQLSource
    view: FeatureView
    service: FeatureService
    sha256: str


def entity() -> Entity:
    """What detectors score: a series."""
    return Entity(
        name=ENTITY,
        join_keys=[JOIN_KEY],
        value_type=ValueType.STRING,
        description="One metric of one service: service/metric",
    )


def standing() -> list[Definition]:
    """What is there in every installation: the active view and all views of facts."""
    return [active(), *(of_facts(name) for name in fact_schema.VIEWS)]


def active() -> Definition:
    """`detection_profile`: every row ever released, joined by the moment at which it was made."""
    query = f"SELECT r.series, r.known_at, {_columns()} FROM public.features_profilerow r"
    return _definition(
        ACTIVE_VIEW,
        ACTIVE_SERVICE,
        query,
        description="What incidents taught about this series, as of now (online) or as of then (historical)",
        tags={},
    )


def pinned(release: Release) -> Definition:
    """`detection_profile__rN`: the content of one release, known from that release on, whatever follows."""
    latest = (
        "SELECT DISTINCT ON (series) * FROM public.features_profilerow "
        f"WHERE release_id <= {release.number} ORDER BY series, release_id DESC"
    )
    moment = iso_us(release.known_at)
    query = f"SELECT r.series, timestamptz '{moment}' AS known_at, {_columns()} FROM ({latest}) r"
    return _definition(
        pinned_view(release.number),
        pinned_service(release.number),
        query,
        description=f"Release {release.number}, pinned",
        tags={"release": str(release.number), "known_at": moment, "digest": release.digest},
    )


def of_facts(name: str) -> Definition:
    """A view of facts: every row ever put, joined by the moment at which it was known."""
    view = fact_schema.VIEWS[name]
    columns = _columns(view.types, fact_schema.ROW_TYPES)
    keys = ", ".join(f'{part} AS "{key}"' for key, part in zip(view.join_keys, _parts(view), strict=True))
    query = f"SELECT {keys}, r.known_at, {columns} FROM public.features_factrow r WHERE r.view = '{name}'"
    subjects = tuple(_fact_entity(key) for key in view.join_keys)
    return _definition(
        name,
        name,
        query,
        description=view.description,
        tags={},
        subjects=subjects,
        types=view.types,
        online=view.is_online,
    )


def _parts(view: fact_schema.FactView) -> list[str]:
    """The join keys out of the entity's text; the model has an index on the parts of composite ones."""
    if len(view.join_keys) == 1:
        return ["r.entity"]
    separator = fact_schema.SEPARATOR
    return [f"split_part(r.entity, '{separator}', {number})" for number in range(1, len(view.join_keys) + 1)]


def _fact_entity(key: str) -> Entity:
    if key == JOIN_KEY:
        return entity()
    form = "slug" if key == SERVICE else "code"
    return Entity(
        name=key, join_keys=[key], value_type=ValueType.STRING, description=f"A {key}, by its {form}"
    )


def _columns(types: Mapping[str, str] = TYPES, of_row: Container[str] = ROW_COLUMNS) -> str:
    selected = []
    for name, kind in types.items():
        source = _ROW_SQL[name] if name in of_row else f"(r.values->>'{name}')::{_SQL_TYPES[kind]}"
        selected.append(f'{source} AS "{name}"')
    return ", ".join(selected)


def _definition(
    view_name: str,
    service_name: str,
    query: str,
    *,
    description: str,
    tags: dict[str, str],
    subjects: tuple[Entity, ...] = (),
    types: Mapping[str, str] = TYPES,
    online: bool = True,
) -> Definition:
    sha256 = digest({"view": view_name, "query": query, "types": list(types.items()), "tags": tags})
    subjects = subjects or (entity(),)
    tags = {**tags, "sha256": sha256}
    source = PostgreSQLSource(name=f"{view_name}_rows", query=query, timestamp_field="known_at")
    view = FeatureView(
        name=view_name,
        entities=list(subjects),
        # 0: no window. A row holds until the next one; expiry is per column and enforced at the door.
        ttl=timedelta(0),
        schema=[Field(name=subject.join_key, dtype=String) for subject in subjects]
        + [Field(name=name, dtype=_FEAST_TYPES[kind]) for name, kind in types.items()],
        source=source,
        online=online,
        description=description,
        tags=tags,
    )
    service = FeatureService(name=service_name, features=[view], description=description, tags=tags)
    return Definition(entities=subjects, source=source, view=view, service=service, sha256=sha256)
