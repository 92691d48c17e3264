from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from rest_framework.test import APIClient

from apps.accounts.models import Role, User
from apps.accounts.people import create_person
from apps.accounts.tokens import issue
from apps.alerts.models import Alarm
from apps.alerts.services import Difference, Received, Report, report_alarms
from apps.audit.models import AuditRecord

pytestmark = [pytest.mark.api, pytest.mark.django_db]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALARM = {"series": "checkout/latency_p99", "at": "2026-11-21T12:00:00Z", "score": 9.5, "release": 3}


def client_of(*scopes: str) -> APIClient:
    name = f"u{User.objects.count()}"
    person = create_person(username=name, email=f"{name}@shop.example", roles=[Role.VIEWER], is_service=True)
    client = APIClient()
    token = issue(user=person, name="t", scopes=scopes, expires_in=timedelta(days=1))
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def detector() -> APIClient:
    return client_of("alerts:read", "alerts:write")


def post(client: APIClient, body: object, key: str | None = None):
    return client.post("/api/v1/alarms", body, format="json", headers={"Idempotency-Key": key} if key else {})


def test_alarms_are_stored_once_per_series_time_release_and_reporter(detector):
    other_release, none = {**ALARM, "release": 4}, {**ALARM, "release": None}
    first = post(detector, [ALARM, other_release, none, ALARM])
    assert (first.status_code, first.json()) == (201, {"added": 3, "same": 0, "differing": []})
    assert post(detector, {"items": [ALARM, none]}).json() == {"added": 0, "same": 2, "differing": []}
    assert post(client_of("alerts:write"), ALARM).json() == {"added": 1, "same": 0, "differing": []}
    assert Alarm.objects.count() == 4
    assert AuditRecord.objects.filter(action="alerts.report").count() == 2


def test_alarms_are_read_back_by_series_and_time(detector):
    later = {**ALARM, "at": "2026-11-21T13:00:00.000001+00:00", "release": None}
    post(detector, [later, ALARM, {**ALARM, "series": "cart/rps"}])
    found = detector.get("/api/v1/alarms?series=checkout/latency_p99").json()["items"]
    assert [(row["at"], row["score"], row["release"], row["reported_by"]) for row in found] == [
        ("2026-11-21T12:00:00.000000Z", 9.5, 3, "u0"),
        ("2026-11-21T13:00:00.000001Z", 9.5, None, "u0"),
    ]
    since = detector.get("/api/v1/alarms?since=2026-11-21T13:00:00.000001Z").json()["items"]
    assert [row["series"] for row in since] == ["checkout/latency_p99"]
    page = detector.get("/api/v1/alarms?limit=2").json()
    assert len(detector.get("/api/v1/alarms", {"cursor": page["next"]}).json()["items"]) == 1
    assert detector.get("/api/v1/alarms?series=a%00").status_code == 422
    assert detector.get("/api/v1/alarms?since=noon").json()["field"] == "since"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"series": "checkout"}, "series"),
        ({"series": "a/\x7f"}, "series"),
        ({"series": None}, "series"),
        ({"at": "noon"}, "at"),
        ({"at": True}, "at"),
        ({"score": "high"}, "score"),
        ({"score": None}, "score"),
        ({"score": True}, "score"),
        ({"score": 10**400}, "score"),
        ({"release": -1}, "release"),
        ({"release": 2**31}, "release"),
        ({"release": 1.5}, "release"),
    ],
)
def test_one_bad_item_refuses_the_request_and_is_named(detector, change, field):
    found = post(detector, [ALARM, ALARM, ALARM, {**ALARM, **change}])
    assert (found.status_code, found.json()["code"], found.json()["field"]) == (
        422,
        "invalid_input",
        f"items.3.{field}",
    )
    assert found.json()["detail"].startswith(f"items[3].{field}: ")
    assert Alarm.objects.count() == 0


@pytest.mark.parametrize("body", [[], {"items": []}, "x", 3, None, [3], {"items": "x"}, [[ALARM]]])
def test_what_is_no_list_of_objects_is_refused(detector, body):
    assert post(detector, body).status_code == 422
    assert Alarm.objects.count() == 0


def test_ten_thousand_are_taken_and_one_more_is_refused(detector):
    many = [{**ALARM, "at": 1_767_225_600 + second} for second in range(10_000)]
    assert post(detector, many).json() == {"added": 10_000, "same": 0, "differing": []}
    refused = post(detector, [*many, ALARM])
    assert (refused.status_code, refused.json()["field"]) == (422, "items")


def test_a_repeat_with_its_key_gets_the_first_answer(detector):
    first = post(detector, ALARM, key="k")
    again = post(detector, ALARM, key="k")
    assert first.json() == again.json() == {"added": 1, "same": 0, "differing": []}
    assert again.headers["Idempotent-Replay"] == "true"


def test_another_score_is_told_and_loses_nothing_beside_it(detector):
    none = {**ALARM, "release": None}
    post(detector, [ALARM, none])
    new = {**ALARM, "series": "cart/rps"}
    found = post(detector, [ALARM, new, {**ALARM, "score": 1.5}, {**none, "score": 2}, {**new, "score": 3}])
    at = "2026-11-21T12:00:00.000000Z"
    told = {"series": "checkout/latency_p99", "at": at, "kept_score": 9.5}
    assert (found.status_code, found.json()) == (
        201,
        {
            "added": 1,
            "same": 1,
            "differing": [
                {**told, "item": 2, "release": 3, "score": 1.5},
                {**told, "item": 3, "release": None, "score": 2.0},
                {**told, "item": 4, "series": "cart/rps", "release": 3, "score": 3.0},
            ],
        },
    )
    assert set(Alarm.objects.values_list("score", flat=True)) == {9.5}
    assert AuditRecord.objects.filter(action="alerts.report").count() == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**ALARM, "scor": 1}, "items.0.scor"),
        ([ALARM, {**ALARM, "x": 1}], "items.1.x"),
        ({"items": [ALARM], "item": []}, "item"),
    ],
)
def test_a_field_that_nobody_knows_is_refused(detector, body, field):
    found = post(detector, body)
    assert (found.status_code, found.json()["field"], found.json()["errors"][0]["code"]) == (
        422,
        field,
        "unknown_field",
    )
    assert Alarm.objects.count() == 0


def test_a_nul_is_refused_at_its_item(detector):
    found = post(detector, [ALARM, {**ALARM, "series": "a/\x00"}])
    assert (found.status_code, found.json()["field"]) == (422, "items.1.series")


def test_a_person_needs_a_role_to_report():
    statuses = {}
    for role in Role:
        person = create_person(username=role, email=f"{role}@shop.example", roles=[role])
        client = APIClient()
        token = issue(user=person, name="t", scopes=["alerts:write"], expires_in=timedelta(days=1))
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        statuses[role] = post(client, ALARM).status_code
    assert {role for role, status in statuses.items() if status == 201} == {
        Role.RESPONDER, Role.OPERATOR, Role.ADMIN,
    }  # fmt: skip


def test_the_scopes_are_needed():
    assert post(client_of("alerts:read"), ALARM).status_code == 403
    assert client_of("alerts:write").get("/api/v1/alarms").status_code == 403
    assert APIClient().get("/api/v1/alarms").status_code == 401


def test_the_first_score_stays_and_the_database_refuses_doubles():
    person = User.objects.create(username="ann")
    report_alarms(reports=[Report("a/b", NOON, 1.0)], by=person)
    again = Report("a/b", NOON, 2.0)
    assert report_alarms(reports=[again], by=person) == Received(0, 0, (Difference(0, again, 1.0),))
    assert Alarm.objects.get().score == 1.0
    with pytest.raises(IntegrityError, match="alerts_alarm_once"):
        Alarm.objects.create(series="a/b", at=NOON, score=1.0, reported_by=person)
