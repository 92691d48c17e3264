"""Use cases of incidents: declare, amend, move on. Labels and facts follow in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.utils import timezone

from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError

from . import checking, keeping
from .codes import EventKind, Kind, Origin, State, TimeKind, TimeStatus
from .metrics import TimeValue
from .models import Incident, IncidentTime
from .moving import change_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.accounts.models import User

__all__ = ["amend_incident", "change_state", "declare_incident"]

log = structlog.get_logger(__name__)
WITHOUT_IMPACT = (TimeKind.IMPACT_START, TimeKind.MITIGATED, TimeKind.RESOLVED)


@transaction.atomic
def declare_incident(
    *,
    title: str,
    service: str,
    severity: str,
    declared_by: User,
    kind: str = Kind.INCIDENT,
    state: str | None = None,
    summary: str = "",
    times: Mapping[str, TimeValue] | None = None,
    series: Sequence[str] = (),
    origin: str = Origin.OWN,
    is_drill: bool = False,
    is_holdout: bool = False,
) -> Incident:
    """Declare an incident, or a near miss; the service is made known on first sight.

    Times that are not given are pending; the impact of a near miss does not apply. Without a state an
    incident is being investigated, and a near miss is there to be learnt from.

    Raises:
        InvalidInputError: a field that is wrong (times at `times.<kind>.<part>`), by its name.
    """
    now = timezone.now()
    kind = checking.code("kind", kind, Kind)
    near_miss = kind == Kind.NEAR_MISS
    state = checking.code("state", state or (State.LEARNING if near_miss else State.INVESTIGATING), State)
    if state == State.MERGED:
        raise InvalidInputError("An incident is declared first, then merged.", field="state")
    untold = dict.fromkeys(TimeKind.values, keeping.PENDING)
    if near_miss:
        untold |= dict.fromkeys(WITHOUT_IMPACT, TimeValue(TimeStatus.NOT_APPLICABLE))
    whole = {**untold, **checking.times(times or {}, now=now)}
    checking.in_order(whole)
    involved = checking.series(series)
    incident = Incident.objects.create(
        title=checking.text("title", title, required=True),
        service=ensure_service(service),
        severity=checking.severity(severity),
        kind=kind,
        state=state,
        summary=checking.text("summary", summary),
        origin=checking.code("origin", origin, Origin),
        is_drill=is_drill,
        is_holdout=is_holdout,
        declared_by=declared_by,
        created_at=now,
        occurred_at=whole[TimeKind.IMPACT_START].at or now,
    )
    IncidentTime.objects.bulk_create(keeping.time_row(incident, kind, value) for kind, value in whole.items())
    incident.series.set(involved)
    log.info("incident_declared", incident=incident.pk)
    keeping.finish(incident, EventKind.DECLARED, by=declared_by, changes=[], moved={incident.service_id})
    return incident


@transaction.atomic
def amend_incident(
    *,
    incident_id: int,
    seen_version: int,
    editor: User,
    title: str | None = None,
    service: str | None = None,
    severity: str | None = None,
    kind: str | None = None,
    summary: str | None = None,
    times: Mapping[str, TimeValue] | None = None,
    series: Sequence[str] | None = None,
    is_drill: bool | None = None,
    is_holdout: bool | None = None,
) -> Incident:
    """Change what is given; None (and a kind of time that is not given) stays as it is.

    Changing nothing makes no new version.

    Raises:
        NotFoundError: no such incident.
        StaleError: somebody changed it after the version that the editor saw.
        InvalidInputError: as in `declare_incident`.
    """
    incident = keeping.locked(incident_id)
    keeping.refuse_stale(incident, seen_version)
    before = checking.snapshot(incident)
    services = {incident.service_id}
    whole = {**incident.times_by_kind(), **checking.times(times or {}, now=timezone.now())}
    checking.in_order(whole)
    if title is not None:
        incident.title = checking.text("title", title, required=True)
    if summary is not None:
        incident.summary = checking.text("summary", summary)
    if service is not None:
        incident.service = ensure_service(service)
    if severity is not None:
        incident.severity = checking.severity(severity, kept=incident.severity)
    if kind is not None:
        incident.kind = checking.code("kind", kind, Kind)
    incident.is_drill = incident.is_drill if is_drill is None else is_drill
    incident.is_holdout = incident.is_holdout if is_holdout is None else is_holdout
    if series is not None:
        incident.series.set(checking.series(series))
    keeping.store_times(incident, whole)
    keeping.save(incident, before, EventKind.AMENDED, by=editor, moved={*services, incident.service_id})
    return incident
