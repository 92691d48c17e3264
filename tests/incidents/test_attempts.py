"""Tries to end an incident: told once, kept for ever, and what counts as a success without a human."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Role
from apps.catalog.models import Term
from apps.common.errors import InvalidInputError
from apps.incidents import attempts, services
from apps.incidents.models import Incident, RemediationAttempt
from tests.people import api_of, make_person

from .making import START, at, browser, declare, responder, whole

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def told(incident: Incident, minutes: float = 10, **changes: Any) -> RemediationAttempt:
    given: dict[str, Any] = {
        "incident_id": incident.pk,
        "remediation": "restart",
        "automated": True,
        "started_at": START + timedelta(minutes=minutes),
        "reference": f"run {minutes}",
        "by": responder(),
    }
    return attempts.tell_attempt(**{**given, **changes})


def judged(incident: Incident) -> attempts.Tried:
    return attempts.success_of(Incident.objects.get(pk=incident.pk))


def test_a_program_that_ended_it_in_time_succeeded() -> None:
    incident = declare(times=whole(resolved=35), state="resolved")
    told(incident)
    assert judged(incident) == attempts.Tried(attempted=True, succeeded=True)


def test_nobody_tried_or_only_people_did() -> None:
    incident = declare(times=whole(resolved=35), state="resolved")
    assert judged(incident) == attempts.Tried(attempted=False, succeeded=False)
    told(incident, automated=False)
    assert judged(incident) == attempts.Tried(attempted=False, succeeded=False)


@pytest.mark.parametrize(
    "times",
    [
        {"resolved": at(41)},  # 31 minutes after the try began
        {"resolved": at(35), "acknowledged": at(20)},
        {"resolved": at(35), "mitigated": at(35), "acknowledged": at(35)},
    ],
)
def test_too_late_or_with_a_human_is_no_success(times: dict[str, Any]) -> None:
    incident = declare(times={**whole(), **times}, state="resolved")
    told(incident)
    assert judged(incident) == attempts.Tried(attempted=True, succeeded=False)


def test_a_try_by_hand_before_its_end_takes_the_success_away() -> None:
    incident = declare(times=whole(resolved=35), state="resolved")
    told(incident)
    told(incident, 20, automated=False)
    assert judged(incident).succeeded is False


def test_what_is_open_or_was_taken_up_again_is_no_success() -> None:
    by = responder()
    still_open = declare(by)
    told(still_open, 0)
    assert judged(still_open) == attempts.Tried(attempted=True, succeeded=False)
    now = timezone.now()
    incident = declare(by)
    told(incident, started_at=now - timedelta(minutes=5))
    services.change_state(incident_id=incident.pk, state="resolved", actor=by)
    services.change_state(incident_id=incident.pk, state="investigating", actor=by)
    assert judged(incident) == attempts.Tried(attempted=True, succeeded=False)


def test_a_try_is_told_once_and_kept() -> None:
    incident = declare()
    first = told(incident)
    assert told(incident, remediation="rollback") == first
    assert RemediationAttempt.objects.get().remediation.code == "restart"
    with pytest.raises(DatabaseError, match="Cannot update"), transaction.atomic():
        RemediationAttempt.objects.update(automated=False)
    severity = Term.objects.get(vocabulary="severity", code="SEV-1")
    with pytest.raises(IntegrityError, match="remediation"), transaction.atomic():
        RemediationAttempt.objects.create(
            incident=incident,
            remediation=severity,
            automated=True,
            started_at=START,
            reference="x",
            by=responder(),
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"remediation": "magic"}, "remediation"),
        ({"reference": "  "}, "reference"),
        ({"outcome": "maybe"}, "outcome"),
        ({"minutes": 60 * 24 * 365 * 50}, "started_at"),
    ],
)
def test_a_wrong_try_names_its_field(changes: dict[str, Any], field: str) -> None:
    incident = declare()
    with pytest.raises(InvalidInputError) as error:
        told(incident, **changes)
    assert error.value.field == field
    assert not RemediationAttempt.objects.exists()


def test_tools_tell_their_tries_over_http() -> None:
    incident = declare()
    client = api_of(make_person("autopilot", Role.RESPONDER), "incidents:write", "incidents:read")
    path = f"/api/v1/incidents/{incident.pk}/remediations"
    body = {
        "remediation": "restart",
        "automated": True,
        "started_at": "2026-03-01T12:10:00Z",
        "outcome": "succeeded",
        "reference": "runbook-1",
    }
    kept = client.send("POST", path, body)
    assert kept.status_code == 201, kept.content
    again = client.send("POST", path, body)
    assert again.json() == kept.json()
    assert [one["reference"] for one in client.send("GET", path).json()["items"]] == ["runbook-1"]
    refused = client.send("POST", path, {**body, "remediation": "magic", "reference": "other"})
    assert refused.status_code == 422
    assert client.send("GET", "/api/v1/incidents/999999/remediations").status_code == 404


def test_the_page_of_the_incident_shows_what_was_tried() -> None:
    incident = declare()
    path = f"/incidents/{incident.pk}"
    assert "Tried" not in browser().get(path).content.decode()
    told(incident, reference="runbook-4711", outcome="failed")
    shown = " ".join(browser().get(path).content.decode().split())
    assert "Restart: failed" in shown
    assert "By a program" in shown
    assert "runbook-4711" in shown
