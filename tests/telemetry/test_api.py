from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from apps.accounts.models import Role, User
from apps.accounts.people import create_person
from apps.accounts.tokens import issue
from apps.analysis.types import Interval
from apps.telemetry import reading, services
from apps.telemetry.models import ImportRun, OutcomeLabel, Series
from apps.telemetry.sources import read_bytes

pytestmark = [pytest.mark.api, pytest.mark.django_db]

GOOD = "timestamp,value\n0,1\n60,2.5\n120.000001,3\n"


def client_of(*roles: Role, scopes: tuple[str, ...] = ("api",), is_service: bool = False) -> APIClient:
    name = f"u{User.objects.count()}"
    person = create_person(username=name, email=f"{name}@shop.example", roles=roles, is_service=is_service)
    token = issue(user=person, name="t", scopes=scopes, expires_in=timedelta(days=1))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def responder() -> APIClient:
    return client_of(Role.RESPONDER)


def load(series: str, text: str = GOOD) -> None:
    services.import_series(reading=read_bytes(text.encode(), series_id=series, file="x.csv"))


def test_series_are_listed_by_pages_with_a_fixed_number_of_queries(responder, django_assert_num_queries):
    for name in ("b/two", "a/one", "a/x_1"):
        load(name)
    first = responder.get("/api/v1/series?limit=2").json()
    assert [row["id"] for row in first["items"]] == ["a/one", "a/x_1"]
    rest = responder.get("/api/v1/series", {"limit": 2, "cursor": first["next"]}).json()
    assert ([row["id"] for row in rest["items"]], rest["next"]) == (["b/two"], None)
    assert [
        row["id"] for row in responder.get("/api/v1/series?service=a&metric_family=x").json()["items"]
    ] == ["a/x_1"]
    with django_assert_num_queries(2):  # token and person, page
        responder.get("/api/v1/series")


def test_one_series_is_read_by_its_id_with_the_slash(responder):
    load("a/one two")
    found = responder.get("/api/v1/series/a/one two").json()
    assert (found["id"], found["service"], found["samples"], found["last_at"]) == (
        "a/one two", "a", 3, "1970-01-01T00:02:00.000001Z",
    )  # fmt: skip
    assert responder.get("/api/v1/series/a/none").status_code == 404
    assert responder.get("/api/v1/series/a/n%00ne").status_code == 404


def test_samples_are_read_within_bounds(responder):
    load("a/samples")
    found = responder.get("/api/v1/series/a/samples/samples?start=60&end=1970-01-01T00:02:00.000001Z").json()
    assert found == {
        "series": "a/samples",
        "at": ["1970-01-01T00:01:00.000000Z", "1970-01-01T00:02:00.000001Z"],
        "value": [2.5, 3.0],
        "next_start": None,
    }
    wrong = responder.get("/api/v1/series/a/samples/samples?start=noon")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "start")


def test_samples_come_in_pages(responder, monkeypatch):
    monkeypatch.setattr("apps.telemetry.api.views.MAX_SAMPLES", 2)
    load("a/one")
    found = responder.get("/api/v1/series/a/one/samples").json()
    assert (found["value"], found["next_start"]) == ([1.0, 2.5], "1970-01-01T00:02:00.000001Z")
    rest = responder.get("/api/v1/series/a/one/samples", {"start": found["next_start"]}).json()
    assert (rest["value"], rest["next_start"]) == ([3.0], None)


def test_csv_is_imported_as_a_body_and_as_a_form(responder):
    body = responder.post("/api/v1/series/import?series=a/one", GOOD, content_type="text/csv")
    assert (body.status_code, body.json()["status"], body.json()["added"]) == (201, "imported", 3)
    upload = SimpleUploadedFile("two.csv", b"timestamp,value\n1970-01-01 01:00,1\n", content_type="text/csv")
    form = responder.post(
        "/api/v1/series/import?series=a/two&tz=Europe/Berlin", {"file": upload}, format="multipart"
    )
    assert (form.status_code, form.json()["report"]["file"]) == (201, "two.csv")
    assert reading.read("a/two").times.tolist() == [0]
    again = responder.post("/api/v1/series/import?series=a/one", GOOD, content_type="text/csv")
    assert again.json()["status"] == "unchanged"
    assert ImportRun.objects.count() == 2


def test_a_repeated_import_with_its_key_gets_the_same_answer(responder):
    for replay in (None, "true"):
        found = responder.post(
            "/api/v1/series/import?series=a/one", GOOD, content_type="text/csv", HTTP_IDEMPOTENCY_KEY="k1"
        )
        assert (found.status_code, found.json()["status"]) == (201, "imported")
        assert found.headers.get("Idempotent-Replay") == replay


def test_a_broken_upload_is_refused_by_row_and_leaves_nothing(responder):
    found = responder.post("/api/v1/series/import?series=a/one", GOOD + "180,x\n", content_type="text/csv")
    problem = found.json()
    assert (found.status_code, problem["code"], problem["field"]) == (422, "broken_file", "value")
    assert problem["detail"].startswith("body, row 5, column value: not a number, found 'x'.")
    assert Series.objects.count() == ImportRun.objects.count() == 0


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("", "bad_series_id", "series"),
        ("?series=one", "bad_series_id", "series"),
        ("?series=a/%00", "bad_series_id", "series"),
        ("?series=a/one&tz=Mars/Base", "invalid_input", "tz"),
        ("?series=a/one&tz=%00", "invalid_input", "tz"),
        ("?series=a/one&tz=../../etc/passwd", "invalid_input", "tz"),
    ],
)
def test_odd_parameters_are_refused(responder, query, code, field):
    found = responder.post(f"/api/v1/series/import{query}", GOOD, content_type="text/csv")
    assert (found.status_code, found.json()["code"], found.json()["field"]) == (422, code, field)
    assert Series.objects.count() == 0


def test_a_form_without_a_file_and_a_file_too_large_are_refused(responder, settings):
    found = responder.post("/api/v1/series/import?series=a/one", {"x": "1"}, format="multipart")
    assert (found.status_code, found.json()["field"]) == (422, "file")
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert (
        responder.post("/api/v1/series/import?series=a/one", GOOD, content_type="text/csv").status_code == 413
    )
    upload = {"file": SimpleUploadedFile("two.csv", GOOD.encode())}
    form = responder.post("/api/v1/series/import?series=a/one", upload, format="multipart")
    assert form.status_code == 413


def test_viewers_and_tokens_without_the_scope_may_not_import():
    for client in (client_of(Role.VIEWER), client_of(Role.RESPONDER, scopes=("telemetry:read",))):
        assert (
            client.post("/api/v1/series/import?series=a/one", GOOD, content_type="text/csv").status_code
            == 403
        )
    assert APIClient().get("/api/v1/series").status_code == 401
    feeder = client_of(scopes=("telemetry:write",), is_service=True)
    assert feeder.post("/api/v1/series/import?series=a/one", GOOD, content_type="text/csv").status_code == 201


def test_labels_are_stored_once(responder):
    load("a/one")
    label = {"series": "a/one", "start": "1970-01-01T00:00:00Z", "end": 3600}
    both = [label, {**label, "kind": "benign"}]
    assert responder.post("/api/v1/incident-labels", both, format="json").json() == {
        "added": 2, "same": 0,
    }  # fmt: skip
    assert responder.post("/api/v1/incident-labels", label, format="json").json() == {"added": 0, "same": 1}
    assert reading.labels("a/one") == [Interval(0, 3_600_000_000)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"series": "one"}, "items.1.series"),
        ({"series": "a/none"}, "items.1.series"),
        ({"series": 3}, "items.1.series"),
        ({"start": "noon"}, "items.1.start"),
        ({"start": None}, "items.1.start"),
        ({"end": 0}, "items.1.end"),
        ({"kind": "drill"}, "items.1.kind"),
        ({"kid": "benign"}, "items.1.kid"),
    ],
)
def test_one_bad_label_refuses_all(responder, change, field):
    load("a/one")
    label = {"series": "a/one", "start": 60, "end": 3600}
    found = responder.post("/api/v1/incident-labels", [label, {**label, **change}], format="json")
    assert (found.status_code, found.json()["field"]) == (422, field)
    assert OutcomeLabel.objects.count() == 0
