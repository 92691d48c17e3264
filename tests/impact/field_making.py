"""Makers for tests of field evidence: a past in which actions were done and incidents happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from apps.actions import services
from apps.audit import outbox
from apps.catalog.models import Service, Term
from apps.incidents.models import Incident, IncidentTime
from tests.actions.making import somebody

if TYPE_CHECKING:
    from apps.actions.models import ActionItem

DONE_AT = datetime(2026, 4, 1, 12, tzinfo=UTC)
OPENED_AT = DONE_AT - timedelta(days=14)
BEFORE_ENDS = OPENED_AT - timedelta(days=28)
AFTER_STARTS = DONE_AT + timedelta(days=7)
AFTER_ENDS = AFTER_STARTS + timedelta(days=84)
COUNT: dict[str, Any] = {"metric": "incident_count", "direction": "down", "smallest_effect": 0.5}
RESOLVE: dict[str, Any] = {"metric": "time_to_resolve", "direction": "down", "smallest_effect": 0.5}
SEVERITY: dict[str, Any] = {"metric": "severity", "direction": "down"}
REMEDIATION: dict[str, Any] = {"metric": "remediation_success", "direction": "up"}


def service(slug: str, tier: str = "tier_1") -> Service:
    """A service that was there long before."""
    term = Term.objects.get(vocabulary="service_tier", code=tier)
    found, _ = Service.objects.get_or_create(slug=slug, defaults={"tier": term})
    Service.objects.filter(pk=found.pk).update(created_at=BEFORE_ENDS - timedelta(days=300), tier=term)
    return found


def done(population: str = "checkout", **criterion: Any) -> ActionItem:
    """An action on a service that was opened and done in the past."""
    owner = somebody()
    treated = service(population)
    with time_machine.travel(OPENED_AT, tick=False):
        action = services.open_action(
            title="Put the cache before the database",
            owner=owner,
            due_on=OPENED_AT.date() + timedelta(days=20),
            created_by=owner,
            service=treated,
            **{**COUNT, **criterion},
        )
    with time_machine.travel(DONE_AT, tick=False):
        finished = services.mark_done(action_id=action.pk, actor=owner)
        outbox.drain()  # the worker sees that its weeks are still to come
    return finished


def happened(
    slug: str, at: datetime, *, minutes: float | None = 60, severity: str = "SEV-2", **more: Any
) -> Incident:
    """An incident that began at `at` and was over after so many minutes; None: it is still open."""
    row = Incident.objects.create(
        title="It was slow",
        service=service(slug),
        severity=Term.objects.get(vocabulary="severity", code=severity),
        state="investigating" if minutes is None else "resolved",
        declared_by=somebody(),
        occurred_at=at,
        **more,
    )
    times = [("impact_start", at)]
    if minutes is not None:
        times.append(("resolved", at + timedelta(minutes=minutes)))
    for kind, moment in times:
        IncidentTime.objects.create(incident=row, kind=kind, status="recorded", at=moment)
    return row


def before(number: int = 0) -> datetime:
    """A moment in the weeks that count as before."""
    return BEFORE_ENDS - timedelta(days=2 + number % 80, hours=number % 7)


def after(number: int = 0) -> datetime:
    """A moment in the weeks that count as after."""
    return AFTER_STARTS + timedelta(days=1 + number % 80, hours=number % 7)
