"""What the database itself refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.catalog.models import Term
from apps.incidents.codes import OPEN, TRANSITIONS, VOID, State, TimeKind
from apps.incidents.models import Incident, IncidentEvent, IncidentTime

from .making import START, declare, responder, whole

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": " "},
        {"kind": "outage"},
        {"origin": "theirs"},
        {"state": "paused"},
        {"version": 0},
        {"state": "merged"},
    ],
)
def test_what_is_no_incident(wrong: dict[str, Any]) -> None:
    incident = declare()
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(**wrong)


def test_only_a_severity_is_a_severity() -> None:
    incident = declare()
    tier = Term.objects.get(vocabulary="service_tier", code="tier_0")
    with pytest.raises(IntegrityError, match="a term of severity"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(severity=tier)


def test_nothing_is_merged_into_itself() -> None:
    incident = declare()
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(state="merged", merged_into=incident.pk)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "guessed"},
        {"status": "recorded"},
        {"at": START},
        {"precision": "week"},
        {"kind": "noticed"},
        {"kind": "resolved"},
    ],
)
def test_what_is_no_time(wrong: dict[str, Any]) -> None:
    """Recorded without an instant, an instant without being recorded, unknown codes, two of a kind."""
    incident = declare()
    with pytest.raises(IntegrityError), transaction.atomic():
        IncidentTime.objects.filter(incident=incident, kind="escalated").update(**wrong)


@pytest.mark.parametrize(
    ("kind", "minutes"), [("resolved", -1), ("mitigated", -1), ("resolved", 4), ("impact_start", 31)]
)
def test_times_out_of_order_are_refused_whoever_writes_them(kind: str, minutes: int) -> None:
    incident = declare(times=whole(detected=5))
    row = IncidentTime.objects.filter(incident=incident, kind=kind)
    with transaction.atomic():
        row.update(at=START + timedelta(minutes=minutes))
        with pytest.raises(IntegrityError, match="not in order"):
            check_now()
        transaction.set_rollback(True)


def test_an_alarm_may_come_before_the_impact() -> None:
    incident = declare(times=whole(detected=-10))
    check_now()
    assert incident.metrics()["ttd"].seconds == -600


def check_now() -> None:
    """Make the database check what it would check at the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_history_is_only_added_to() -> None:
    declare()
    with pytest.raises(DatabaseError), transaction.atomic():
        IncidentEvent.objects.update(note="it never happened")
    with pytest.raises(DatabaseError), transaction.atomic():
        IncidentEvent.objects.all().delete()


def test_every_state_leads_somewhere_and_every_state_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(TRANSITIONS.values())
    assert {after for states in TRANSITIONS.values() for after in states} == set(State)
    assert set(OPEN) | VOID | {State.CLOSED} == set(State)


def test_a_list_costs_as_many_queries_for_two_as_for_twelve(django_assert_num_queries: Any) -> None:
    by = responder()
    for expected in (2, 12):
        while Incident.objects.count() < expected:
            declare(by, times=whole())
        with django_assert_num_queries(2):
            found = list(Incident.objects.visible_to(by).with_times())
            assert [(row.service.slug, row.severity.code, row.metrics()["ttr"].seconds) for row in found] == [
                ("checkout", "SEV-2", 3600.0)
            ] * expected


def test_each_incident_has_one_time_of_each_kind() -> None:
    incident = declare()
    assert set(incident.times_by_kind()) == set(TimeKind.values)
    assert {value.status for value in incident.times_by_kind().values()} == {"pending"}
