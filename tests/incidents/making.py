"""Makers for tests that need incidents: through the services, as people would."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from apps.accounts.models import Role, User
from apps.incidents import services
from apps.incidents.codes import TimeKind
from apps.incidents.metrics import TimeValue
from apps.telemetry.services import ensure_series
from tests.people import make_person
from tests.reading import signed_in

if TYPE_CHECKING:
    from django.test import Client

    from apps.incidents.models import Incident

_numbers = itertools.count(1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def responder() -> User:
    return make_person(f"responder{next(_numbers)}", Role.RESPONDER)


def at(minutes: float, **more: Any) -> TimeValue:
    """So many minutes after START."""
    return TimeValue("recorded", START + timedelta(minutes=minutes), **more)


def whole(start: float = 0, detected: float = 5, mitigated: float = 30, resolved: float = 60) -> Any:
    return {
        "impact_start": at(start),
        "detected": at(detected),
        "mitigated": at(mitigated),
        "resolved": at(resolved),
    }


def declare(by: User | None = None, **changes: Any) -> Incident:
    given: dict[str, Any] = {
        "title": "Checkout is slow",
        "service": "checkout",
        "severity": "SEV-2",
        "declared_by": by or responder(),
    } | changes
    for series_id in given.get("series", ()):
        ensure_series(series_id)
    return services.declare_incident(**given)


def browser() -> Client:
    """A browser of some responder."""
    return signed_in(responder())


def typed(incident: Incident | None = None, **changes: Any) -> dict[str, Any]:
    """What a person sends who fills the form in, or opens that of `incident`, with some things changed."""
    fields: dict[str, Any] = {
        "title": "Checkout is slow",
        "service": "checkout",
        "severity": "SEV-2",
        "kind": "incident",
        "summary": "",
        "series": [""],
    }
    if incident is None:
        fields["state"] = "investigating"
    else:
        fields |= {
            "version": incident.version,
            "title": incident.title,
            "service": incident.service.slug,
            "severity": incident.severity.code,
            "series": [*incident.series.values_list("pk", flat=True)],
        }
    for kind in TimeKind.values:
        value = None if incident is None else incident.time(kind)
        fields[f"{kind}_status"] = value.status if value else "pending"
        fields[f"{kind}_at"] = value.at.strftime("%Y-%m-%dT%H:%M:%S") if value and value.at else ""
        fields[f"{kind}_precision"] = value.precision if value else "minute"
        fields[f"{kind}_source"] = value.source if value else ""
    return {**fields, **changes}
