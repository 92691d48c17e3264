"""Facts of `service_history` that incidents own."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.audit.models import Outbox
from apps.incidents import history, services
from apps.incidents.metrics import TimeValue
from apps.incidents.tasks import refresh_history
from apps.telemetry.services import ensure_series

from .making import declare, responder

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def happened(days_ago: float, **more: Any) -> Any:
    start = TimeValue("recorded", NOW - timedelta(days=days_ago))
    return declare(**{"times": {"impact_start": start}, **more})


def newest(slug: str) -> dict[str, Any]:
    row = Outbox.objects.filter(kind="features.facts", payload__entity=slug).latest("id")
    assert row.payload["view"] == "service_history"
    values: dict[str, Any] = row.payload["values"]
    return values


@time_machine.travel(NOW, tick=False)
def test_only_our_own_real_incidents_are_counted() -> None:
    happened(1)
    happened(20)
    happened(80)
    happened(400)
    for excluded in (
        {"is_drill": True},
        {"is_holdout": True},
        {"kind": "near_miss"},
        {"origin": "public"},
        {"state": "declined"},
    ):
        happened(2, **excluded)
    values = newest("checkout")
    risk = values.pop("risk_next_7d")
    assert values == {
        "incidents_7d": 1,
        "incidents_30d": 2,
        "incidents_90d": 3,
        "last_incident_at_iso": "2026-11-20T12:00:00.000000Z",
        "n_incidents": 4,
    }
    assert risk == pytest.approx(1 - math.exp(-3.5 / 90 * 7), abs=1e-6)


@time_machine.travel(NOW, tick=False)
def test_without_a_start_the_declaration_counts() -> None:
    declare()
    assert newest("checkout")["last_incident_at_iso"] == "2026-11-21T12:00:00.000000Z"


@time_machine.travel(NOW, tick=False)
def test_a_change_pushes_what_it_changed_and_nothing_else() -> None:
    incident = happened(1)
    before = Outbox.objects.filter(kind="features.facts").count()
    services.amend_incident(incident_id=incident.pk, seen_version=1, editor=responder(), title="Renamed")
    assert Outbox.objects.filter(kind="features.facts").count() == before
    services.amend_incident(incident_id=incident.pk, seen_version=2, editor=responder(), service="web")
    assert Outbox.objects.filter(kind="features.facts").count() == before + 2
    assert newest("checkout")["n_incidents"] == 0
    assert newest("web")["n_incidents"] == 1


@time_machine.travel(NOW, tick=False)
def test_a_public_incident_pushes_nothing() -> None:
    happened(1, service="elsewhere", origin="public")
    assert Outbox.objects.filter(kind="features.facts").count() == 0


def test_by_the_clock_only_changed_services_are_pushed() -> None:
    with time_machine.travel(NOW, tick=False):
        happened(1)
        happened(50, service="web")
        ensure_series("quiet/latency")
        assert refresh_history() == 3  # the risk of all depends on the fleet
        assert refresh_history() == 0
        assert newest("quiet")["n_incidents"] == 0
        assert 0 < newest("quiet")["risk_next_7d"] <= newest("web")["risk_next_7d"]
    with time_machine.travel(NOW + timedelta(days=7), tick=False):
        assert history.push() == ["checkout"]
        assert newest("checkout")["incidents_7d"] == 0
        assert history.push() == []
    keys = list(Outbox.objects.filter(kind="features.facts").values_list("key", flat=True))
    assert len(keys) == len(set(keys))


@time_machine.travel(NOW, tick=False)
def test_facts_cost_as_many_queries_for_two_services_as_for_twelve(django_assert_num_queries: Any) -> None:
    for count in (2, 12):
        for number in range(count):
            happened(number, service=f"service{number}")
        with django_assert_num_queries(2):
            assert len(history.fleet_facts(NOW).facts) == count
