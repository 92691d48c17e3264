"""What every change of an incident has in common: the lock, the version, the history and what follows."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

import structlog

from apps.audit import ledger, outbox
from apps.common.errors import NotFoundError

from . import checking, history, labels
from .codes import EventKind, TimeKind, TimeStatus
from .errors import Missed, StaleError
from .metrics import TimeValue
from .models import Incident, IncidentEvent, IncidentTime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.accounts.models import User

log = structlog.get_logger(__name__)
PENDING = TimeValue(TimeStatus.PENDING)


def locked(incident_id: int) -> Incident:
    """The incident, locked until the transaction ends.

    Raises:
        NotFoundError: no such incident.
    """
    incident = (
        Incident.objects.select_for_update(of=("self",), no_key=True)
        .select_related("service", "severity")
        .filter(pk=incident_id)
        .first()
    )
    if incident is None:
        raise NotFoundError(f"There is no incident {incident_id}.", field="id")
    return incident


def refuse_stale(incident: Incident, seen_version: int) -> None:
    """Refuse a change by somebody who has not seen the newest version.

    Raises:
        StaleError: with what was missed, each field once: as the editor saw it, and as it is now.
    """
    if seen_version == incident.version:
        return
    missed: dict[str, Missed] = {}
    for event in incident.events.filter(version__gt=seen_version).select_related("by").order_by("version"):
        for change in event.changes:
            first = missed.get(change["field"])
            missed[change["field"]] = Missed(
                field=change["field"],
                before=first.before if first else change["before"],
                after=change["after"],
                by=event.by.username,
                at=event.at,
            )
    raise StaleError(version=incident.version, missed=missed)


def time_row(incident: Incident, kind: str, value: TimeValue) -> IncidentTime:
    """A row that is not stored yet."""
    return IncidentTime(
        incident=incident,
        kind=kind,
        status=value.status,
        at=value.at,
        source=value.source,
        precision=value.precision,
    )


def store_times(incident: Incident, whole: Mapping[str, TimeValue]) -> None:
    """Store all times, and on the incident when it occurred by them."""
    IncidentTime.objects.bulk_create(
        [time_row(incident, kind, value) for kind, value in whole.items()],
        update_conflicts=True,
        unique_fields=["incident", "kind"],
        update_fields=["status", "at", "source", "precision"],
    )
    start = whole.get(TimeKind.IMPACT_START, PENDING).at
    incident.occurred_at = (start or incident.created_at).astimezone(UTC)


def save(
    incident: Incident,
    before: dict[str, Any],
    kind: EventKind,
    *,
    by: User,
    moved: set[int],
    note: str = "",
    more: Sequence[dict[str, Any]] = (),
) -> None:
    """Store the incident as a new version with its event, unless nothing differs from `before`."""
    after = checking.snapshot(incident)
    changes = [
        *more,
        *(
            {"field": field, "before": before[field], "after": after[field]}
            for field in after
            if before[field] != after[field]
        ),
    ]
    if not changes:
        return
    incident.version += 1
    incident.save()
    log.info("incident_changed", incident=incident.pk, version=incident.version)
    finish(incident, kind, by=by, changes=changes, moved=moved, note=note)


def finish(
    incident: Incident,
    kind: EventKind,
    *,
    by: User,
    changes: list[dict[str, Any]],
    moved: set[int],
    note: str = "",
) -> None:
    """History, labels, facts, ledger: what belongs to every change."""
    IncidentEvent.objects.create(
        incident=incident, version=incident.version, kind=kind, changes=changes, note=note, by=by
    )
    labels.push(incident, by=by)
    history.push(moved)
    outbox.add(
        kind="incidents.changed",
        key=f"{incident.pk}:{incident.version}",
        payload={"incident": incident.pk},
    )
    ledger.record(
        actor=by.username,
        action=f"incident_{kind}",
        object_type="incident",
        object_id=incident.pk,
        data={
            "version": incident.version,
            "state": incident.state,
            "fields": [change["field"] for change in changes],
        },
    )
