from __future__ import annotations

import io
import threading
import zipfile
from typing import Any

import pytest
from django.db import connection
from feast.protos.feast.core.Registry_pb2 import Registry

from apps.accounts.models import Role
from apps.audit import outbox
from apps.audit.models import AuditRecord
from apps.common.times import iso_us
from apps.features import client_folder, pinning, waiting
from apps.features.fact_schema import VIEWS
from apps.features.models import Pin
from apps.features.schema import TYPES
from tests.features.support import CHECKOUT, LOGIN, bearer, content, make_release, person, serve

pytestmark = pytest.mark.api


@pytest.fixture
def reader(feast):
    return bearer(person("model", is_service=True), "features:read")


@pytest.fixture
def operator(feast):
    return bearer(person("olga", Role.OPERATOR))


@pytest.fixture
def impatient(monkeypatch):
    """No worker runs in these tests, so nobody waits for one."""
    monkeypatch.setattr(waiting, "LIMIT_S", 0.0)


def get(client, headers, path: str) -> Any:
    answer = client.get(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_releases_are_listed_newest_first_by_pages(client, reader):
    for value in (0.5, 1.0, 1.5):
        serve({CHECKOUT: {"theta_log2": value}})
    page = get(client, reader, "releases?limit=2")
    assert [item["number"] for item in page["items"]] == [3, 2]
    rest = get(client, reader, f"releases?limit=2&cursor={page['next']}")
    assert ([item["number"] for item in rest["items"]], rest["next"]) == ([1], None)


def test_a_release_tells_its_moments_manifest_and_readers(client, reader):
    release = serve({CHECKOUT: {"theta_log2": 0.5}}, manifest=[{"insight": 3, "revision": 1}])
    client.post(
        "/api/v1/features/online",
        {"entities": {"series": [CHECKOUT]}},
        content_type="application/json",
        headers=reader,
    )
    found = get(client, reader, "releases/1")
    assert found["known_at"] == iso_us(release.known_at)
    assert release.served_at is not None
    assert found["served_at"] == iso_us(release.served_at)
    assert len(found["known_at"].split(".")[1]) == 7
    assert (found["digest"], found["parent"], found["kind"]) == (release.digest, None, "approve")
    assert (found["author"], found["reason"]) == ("omar", "test")
    assert found["manifest"] == [{"insight": 3, "revision": 1}]
    assert found["rows_changed"] == [{"series": CHECKOUT, "version": 1, "status": "active"}]
    assert (found["pin"], found["consumers"][0]["reads"]) == (None, 1)


def test_a_release_that_is_not_served_yet_says_so(client, reader):
    make_release({CHECKOUT: {"theta_log2": 0.5}})
    assert get(client, reader, "releases/1")["served_at"] is None


def test_an_unknown_release_is_absent(client, reader):
    for path in (
        "releases/7",
        "releases/7/diff/1",
        f"releases/{2**40}",
        "features/lineage?series=a/b&release=7",
    ):
        answer = client.get(f"/api/v1/{path}", headers=reader)
        assert (path, answer.status_code) == (path, 404)
        assert answer.json()["code"] == "not_found"


def test_two_releases_are_compared(client, reader):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    serve({CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}})
    found = get(client, reader, "releases/1/diff/2")
    assert (found["from"], found["to"]) == (1, 2)
    assert found["series"][CHECKOUT]["columns"] == ["theta_log2"]


# --- lineage --------------------------------------------------------------------------------------
def test_lineage_leads_from_a_value_to_the_lines_that_taught_it(client, reader):
    origin: dict[str, Any] = {
        "signal": 5,
        "document": "postmortem:7",
        "sha256": "ab" * 32,
        "lines": [12, 14],
        "excerpt": "It fires at every batch.",
    }
    first = serve({CHECKOUT: content({"theta_log2": 0.5}, **origin)})
    serve({LOGIN: {"direction": "up"}})
    found = get(client, reader, f"features/lineage?series={CHECKOUT}")
    assert (found["release"], found["row_release"], found["version"], found["status"]) == (2, 1, 1, "active")
    assert found["known_at"] == iso_us(first.known_at)
    expected = {"value": 0.5, "insight": 3, "revision": 1, "confidence": 0.9, "expires_at": None, **origin}
    assert found["values"] == {"theta_log2": expected}


def test_lineage_of_every_served_value_is_complete(client, reader):
    serve({CHECKOUT: {"theta_log2": 0.5, "direction": "up", "n_incidents": 4, "suppress_json": "[]"}})
    found = get(client, reader, f"features/lineage?series={CHECKOUT}&release=1")
    assert found["values"].keys() == {"theta_log2", "direction", "n_incidents", "suppress_json"}
    assert all(value["insight"] == 3 and value["revision"] == 1 for value in found["values"].values())


def test_lineage_of_a_withdrawn_series_is_empty_and_of_an_unknown_one_absent(client, reader):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    serve({CHECKOUT: None}, kind="withdraw")
    found = get(client, reader, f"features/lineage?series={CHECKOUT}")
    assert (found["status"], found["values"]) == ("withdrawn", {})
    assert (
        get(client, reader, f"features/lineage?series={CHECKOUT}&release=1")["values"]["theta_log2"]["value"]
        == 0.5
    )
    assert client.get("/api/v1/features/lineage?series=no/where", headers=reader).status_code == 404
    bad = client.get("/api/v1/features/lineage?series=nowhere", headers=reader)
    assert (bad.status_code, bad.json()["field"]) == (422, "series")
    missing = client.get("/api/v1/features/lineage", headers=reader)
    assert (missing.status_code, missing.json()["field"]) == (422, "series")


def test_lineage_before_the_first_release_is_absent(client, reader):
    assert client.get("/api/v1/features/lineage?series=a/b", headers=reader).status_code == 404


# --- pins -----------------------------------------------------------------------------------------
def test_pinning_waits_until_the_release_is_readable(client, operator):
    serve({CHECKOUT: {"theta_log2": 0.5}})

    def served() -> Pin | None:
        outbox.drain()  # the release's own row may be waiting too, and may be all there is at first
        return Pin.objects.filter(served_at__isnull=False).first()

    def work() -> None:
        assert waiting.until(served)
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    answer = client.post("/api/v1/releases/1/pin", headers=operator)
    worker.join()
    assert answer.status_code == 200
    found = answer.json()
    assert found.pop("served_at").endswith("Z")
    assert found == {
        "release": 1,
        "feature_service": "detection__r1",
        "feature_view": "detection_profile__r1",
        "state": "pinned",
        "pinned_by": "olga",
    }
    assert get(client, operator, "releases/1")["pin"]["state"] == "pinned"
    assert AuditRecord.objects.filter(action="release.pinned", actor="olga").count() == 1


def test_without_a_worker_pinning_is_accepted_and_repeats_safely(client, operator, impatient):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    key = {**operator, "Idempotency-Key": "k1"}
    first = client.post("/api/v1/releases/1/pin", headers=key)
    assert (first.status_code, first.json()["served_at"]) == (202, None)
    outbox.drain()
    again = client.post("/api/v1/releases/1/pin", headers=key)
    assert again.headers["Idempotent-Replay"] == "true"
    assert (again.status_code, again.json()) == (202, first.json())
    other = client.post("/api/v1/releases/1/pin", headers=operator)
    assert other.status_code == 200
    assert other.json()["served_at"] is not None


@pytest.fixture
def unwaiting(monkeypatch):
    """Nobody may pause here: there is nothing to wait for."""

    def pause(_: float) -> None:
        raise AssertionError("waited")

    monkeypatch.setattr("apps.features.waiting.time.sleep", pause)


def test_an_answer_that_is_sent_again_waits_for_nothing_even_once_the_pin_is_gone(
    client, operator, monkeypatch, unwaiting
):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    key = {**operator, "Idempotency-Key": "k1"}
    with monkeypatch.context() as patch:
        patch.setattr(waiting, "LIMIT_S", 0.0)
        first = client.post("/api/v1/releases/1/pin", headers=key)
    client.post("/api/v1/releases/1/unpin", headers=operator)
    again = client.post("/api/v1/releases/1/pin", headers=key)
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotent-Replay"] == "true"


def test_waiting_for_a_pin_ends_when_somebody_lets_it_go(client, operator, monkeypatch, unwaiting):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    asked = waiting.until

    def until(found: Any) -> Any:
        pinning.unpin(number=1, author="nina")
        return asked(found)

    monkeypatch.setattr(waiting, "until", until)
    answer = client.post("/api/v1/releases/1/pin", headers=operator)
    assert (answer.status_code, answer.json()["served_at"]) == (202, None)


def test_unpinning_ends_it_and_doing_it_twice_is_a_conflict(client, operator, impatient):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    client.post("/api/v1/releases/1/pin", headers=operator)
    outbox.drain()
    answer = client.post("/api/v1/releases/1/unpin", headers=operator)
    assert (answer.status_code, answer.json()["state"]) == (200, "retiring")
    again = client.post("/api/v1/releases/1/unpin", headers=operator)
    assert (again.status_code, again.json()["code"]) == (409, "not_pinned")
    assert client.post("/api/v1/releases/9/pin", headers=operator).status_code == 404
    assert client.post("/api/v1/releases/9/unpin", headers=operator).status_code == 404


def test_reading_tokens_and_viewers_pin_nothing(client, reader, impatient):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    viewer = bearer(person("vera", Role.VIEWER))
    for headers in (reader, viewer):
        for action in ("pin", "unpin"):
            assert client.post(f"/api/v1/releases/1/{action}", headers=headers).status_code == 403
    assert pinning.standing() == []


# --- client folder --------------------------------------------------------------------------------
def folder(client, headers) -> tuple[zipfile.ZipFile, str]:
    answer = client.get("/api/v1/features/client.zip", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    return zipfile.ZipFile(io.BytesIO(answer.content)), answer["ETag"]


def pin(number: int) -> None:
    pinned = pinning.pin(number=number, author="omar")
    pinning.converge(key=f"{number}.{pinned.turn}", payload={})


def test_the_folder_holds_what_the_stock_client_needs(client, reader, settings):
    settings.PUBLIC_URL = "https://features.example.org"
    found, _ = folder(client, reader)
    assert sorted(found.namelist()) == [
        f"aftercast_features/{name}"
        for name in ("README.md", "feature_store.yaml", "historical.py", "registry.db")
    ]
    text = found.read("aftercast_features/feature_store.yaml").decode()
    assert "path: https://features.example.org/feast\n" in text
    assert "token_env_var: AFTERCAST_TOKEN" in text
    assert "@" not in text
    compile(found.read("aftercast_features/historical.py"), "historical.py", "exec")


def test_its_registry_carries_no_sql_no_address_and_no_code(client, reader):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    raw = folder(client, reader)[0].read("aftercast_features/registry.db")
    for secret in (
        b"SELECT",
        b"select",
        b"features_profilerow",
        b"features_factrow",
        b"postgres",
        b"Postgre",
        b"127.0.0.1",
        b"password",
    ):
        assert secret not in raw
    registry = Registry.FromString(raw)
    assert {view.spec.name for view in registry.feature_views} == {
        "detection_profile",
        "detection_profile__r1",
        *VIEWS,
    }
    services = {s.spec.name for s in registry.feature_services}
    assert services == {"detection", "detection__r1", *VIEWS}
    entities = {entity.spec.name for entity in registry.entities}
    assert entities == {"series", "service", "failure_mode", "service_tier"}
    assert [field.name for field in registry.feature_views[0].spec.features] == list(TYPES)
    assert not registry.on_demand_feature_views
    assert not registry.permissions
    assert not registry.HasField("infra")
    assert {source.data_source_class_type.rsplit(".")[-1] for source in registry.data_sources} == {
        "FileSource"
    }


def test_its_etag_holds_across_publications_and_moves_with_pins(client, reader):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    tag = folder(client, reader)[1]
    serve({CHECKOUT: {"theta_log2": 1.5}})
    client_folder._cached.clear()
    assert folder(client, reader)[1] == tag
    same = client.get("/api/v1/features/client.zip", headers={**reader, "If-None-Match": tag})
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", tag)
    pin(1)
    changed = client.get("/api/v1/features/client.zip", headers={**reader, "If-None-Match": tag})
    assert changed.status_code == 200
    assert changed["ETag"] != tag
    pinning.unpin(number=1, author="omar")
    assert folder(client, reader)[1] == tag
