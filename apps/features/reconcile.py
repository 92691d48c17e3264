"""The reconciler: does Feast hold what the database says, no more and no less? And the repair of what
differs.

It takes the publication lock, so nothing it sees is a publication under way. The database is always right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, transaction

from . import fact_schema, facts, pinning, publication
from .models import Pin, Release
from .names import ACTIVE_SERVICE, ACTIVE_VIEW, ENTITY
from .releases import rows_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from .definitions import Definition
    from .feast_store import Store
    from .vectors import Row

log = structlog.get_logger(__name__)

_DUMMY_ENTITY = "__dummy"  # Feast adds it to every registry


@dataclass(frozen=True)
class Finding:
    """One difference. `kind` is stable: unserved, pointer, registry, registry_orphan, row, row_orphan,
    pin."""

    kind: str
    subject: str
    detail: str


@dataclass
class Report:
    """What was found, and what was still wrong after a repair (None: no repair was asked for)."""

    findings: list[Finding]
    remaining: list[Finding] | None = None
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """Nothing is wrong now."""
        return not (self.findings if self.remaining is None else self.remaining)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"clean": self.clean, **asdict(self)}


@dataclass(frozen=True)
class _Expected:
    """A view that should be readable, its rows, and their moment (None: each row's own)."""

    definition: Definition
    rows: Sequence[Row]
    at: datetime | None


def reconcile(*, repair: bool = False) -> Report:
    """Compare database, registry, online rows and pointer; with `repair`, make Feast follow the database."""
    with publication.publication_lock() as store:
        report = _compare(store)
        if repair and report.findings:
            _repair(store)
            report.remaining = _compare(store).findings
            log.warning("features_repaired", found=len(report.findings), remaining=len(report.remaining))
    return report


def _compare(store: Store) -> Report:
    expected = _expected()
    findings = [*_database(), *_pins(), *_registry(store, expected)]
    for view in expected:
        findings += _rows(store, view)
    findings += [
        Finding("row_orphan", name, "online rows of a view that nobody should read")
        for name in _views_online(store) - {view.definition.view.name for view in expected}
    ]
    checked = {"views": len(expected), "rows": sum(len(view.rows) for view in expected)}
    return Report(findings=findings, checked=checked)


def _expected() -> list[_Expected]:
    from . import definitions

    views = [
        _Expected(definitions.of_facts(name), facts.newest(name) if view.is_online else [], None)
        for name, view in fact_schema.VIEWS.items()
    ]
    active = publication.pointer()
    if active is None:
        return views
    views += [_Expected(definitions.active(), list(rows_at(active.release_id).values()), None)]
    for number in pinning.standing():
        release = Release.objects.get(number=number)
        views.append(_Expected(definitions.pinned(release), list(rows_at(number).values()), release.known_at))
    return views


def _database() -> Iterator[Finding]:
    for number in Release.objects.filter(served_at=None).order_by("number").values_list("number", flat=True):
        yield Finding("unserved", f"release {number}", "made, and not served yet")
    served = Release.objects.exclude(served_at=None).order_by("-number").first()
    active = publication.pointer()
    if (active.release_id if active else None) != (served.number if served else None):
        yield Finding("pointer", str(active), f"the newest served release is {served}")


def _pins() -> Iterator[Finding]:
    waiting = Pin.objects.filter(state=Pin.State.PINNED, served_at=None) | Pin.objects.filter(
        state=Pin.State.RETIRING
    )
    for pin in waiting.order_by("release_id"):
        yield Finding("pin", f"release {pin.release_id}", f"{pin.state}, and Feast has not followed yet")


def _registry(store: Store, expected: list[_Expected]) -> Iterator[Finding]:
    for view in expected:
        if not publication.stands(store, view.definition):
            yield Finding("registry", view.definition.view.name, "missing, or not as defined")
    for kind, name in _strangers(store, expected):
        yield Finding("registry_orphan", name, f"{kind} that nobody should read")


def _strangers(store: Store, expected: list[_Expected]) -> list[tuple[str, str]]:
    registry, project = store.registry, store.project
    known = {
        "view": {ACTIVE_VIEW} | {view.definition.view.name for view in expected},
        "service": {ACTIVE_SERVICE} | {view.definition.service.name for view in expected},
        "source": {view.definition.source.name for view in expected} | {f"{ACTIVE_VIEW}_rows"},
        "entity": {ENTITY, _DUMMY_ENTITY}
        | {entity.name for view in expected for entity in view.definition.entities},
    }
    held: dict[str, Sequence[Any]] = {
        "view": registry.list_all_feature_views(project),
        "service": registry.list_feature_services(project),
        "source": registry.list_data_sources(project),
        "entity": registry.list_entities(project),
    }
    return [(kind, found.name) for kind in held for found in held[kind] if found.name not in known[kind]]


def _rows(store: Store, view: _Expected) -> Iterator[Finding]:
    from . import vectors

    name = view.definition.view.name
    for subject in vectors.differences(store, view.definition.view, view.rows, at=view.at):
        yield Finding("row", f"{name} {subject}", "the online row differs from the database")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM feast_online.feast_kv WHERE view = %s", [f"{store.project}/{name}"]
        )
        surplus = int(cursor.fetchone()[0]) - len(view.rows)
    if surplus > 0:
        yield Finding("row_orphan", name, f"{surplus} online rows of what was never released")


def _views_online(store: Store) -> set[str]:
    prefix = f"{store.project}/"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT view FROM feast_online.feast_kv WHERE starts_with(view, %s)", [prefix]
        )
        return {str(name).removeprefix(prefix) for (name,) in cursor.fetchall()}


def _repair(store: Store) -> None:
    publication.publish_pending(store)
    for number in Pin.objects.exclude(state=Pin.State.RETIRED).values_list("release_id", flat=True):
        pinning.settle_pin(store, number)
    expected = _expected()
    for kind, name in _strangers(store, expected):
        _remove(store, kind, name)
    for view in expected:
        _restore(store, view)
    for name in _views_online(store) - {view.definition.view.name for view in expected}:
        _drop_rows(store, name)
    with transaction.atomic():
        publication.announce()
    store.renew()


def _restore(store: Store, view: _Expected) -> None:
    from . import vectors

    publication.ensure(store, view.definition)
    table, name = view.definition.view, view.definition.view.name
    wrong = vectors.differences(store, table, view.rows, at=view.at)
    rows = [row for row in view.rows if vectors.subject(row) in set(wrong)]
    vectors.write(store, table, rows, at=view.at)
    if vectors.differences(store, table, rows, at=view.at):
        # A row that claims a later moment refuses to be overwritten: it has to go first.
        _drop_rows(store, name, keep=set(vectors.keys(view.rows)) - set(vectors.keys(rows)))
        vectors.write(store, table, rows, at=view.at)
    _drop_rows(store, name, keep=set(vectors.keys(view.rows)))


def _drop_rows(store: Store, name: str, *, keep: AbstractSet[bytes] = frozenset()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM feast_online.feast_kv WHERE view = %s AND NOT entity_key = ANY(%s)",
            [f"{store.project}/{name}", list(keep)],
        )


def _remove(store: Store, kind: str, name: str) -> None:
    registry = store.registry
    remove = {
        "view": registry.delete_feature_view,
        "service": registry.delete_feature_service,
        "source": registry.delete_data_source,
        "entity": registry.delete_entity,
    }
    remove[kind](name, store.project)
