"""Makers for tests that need incidents: through the services, as people would."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import apps as registry

from apps.accounts.models import Role, User
from apps.incidents import services
from apps.incidents.metrics import TimeValue
from apps.telemetry.services import ensure_series
from tests.people import make_person

if TYPE_CHECKING:
    from apps.incidents.models import Incident

_numbers = itertools.count(1)
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def load_vocabularies() -> None:
    """Tests with real transactions empty the tables; the migrations' own functions fill them again."""
    for name in ("0002_vocabularies", "0004_people_and_time"):
        import_module(f"apps.catalog.migrations.{name}").load(registry, None)


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
