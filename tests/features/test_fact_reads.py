"""Facts over HTTP: online, historically, traced, and beside profiles in one request."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.audit import outbox
from apps.common.errors import require
from apps.common.times import iso_us
from apps.features import facts, historical
from apps.features.fact_schema import VIEWS
from apps.features.models import FactRow, FeatureUse
from tests.features.support import CHECKOUT, bearer, person, serve

pytestmark = pytest.mark.api

VIEW = "service_history"
ONLINE = "/api/v1/features/online"
DOOR = "/feast/get-online-features"
US = timedelta(microseconds=1)


@pytest.fixture
def model(feast):
    return bearer(person("model", is_service=True), "features:read")


@pytest.fixture
def known(feast) -> list[FactRow]:
    """Two rows of checkout's history, served."""
    rows = [
        require(facts.put(view=VIEW, entity="checkout", values=values), "the row")
        for values in ({"incidents_30d": 3}, {"incidents_30d": 4, "repeat_share": 0.5, "n_reviews": 2})
    ]
    outbox.drain()
    return rows


def post(client, headers, path: str, body: Any):
    return client.post(path, data=body, content_type="application/json", headers=headers)


def columns(answer: Any) -> dict[str, list[Any]]:
    assert answer.status_code == 200, answer.content
    body = answer.json()
    names = body["metadata"]["feature_names"]
    return {name: result["values"] for name, result in zip(names, body["results"], strict=True)}


@pytest.mark.parametrize("path", [ONLINE, DOOR])
def test_the_history_of_a_service_is_read_online(client, model, known, path):
    answer = post(
        client, model, path, {"feature_service": VIEW, "entities": {"service": ["checkout", "never"]}}
    )
    found = columns(answer)
    assert list(found) == ["service", *VIEWS[VIEW].types]
    assert found["incidents_30d"] == [4, None]
    assert found["repeat_share"] == [0.5, None]
    assert found["known_at_iso"] == [iso_us(known[1].known_at), None]
    assert "X-Aftercast-Release" not in answer


def test_a_reading_of_facts_is_counted_without_a_release(client, model, known):
    post(client, model, ONLINE, {"feature_service": VIEW, "entities": {"service": ["checkout"]}})
    use = FeatureUse.objects.get()
    assert (use.feature_service, use.release, use.reads) == (VIEW, 0, 1)


@pytest.mark.parametrize("path", [ONLINE, DOOR])
def test_profiles_and_facts_in_one_request_need_both_keys(client, model, known, path):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    body = {
        "features": ["detection_profile:theta_log2", "service_history:incidents_30d"],
        "entities": {"series": [CHECKOUT], "service": ["checkout"]},
    }
    found = columns(post(client, model, path, body))
    assert found == {
        "series": [CHECKOUT],
        "service": ["checkout"],
        "theta_log2": [1.0],
        "incidents_30d": [4],
    }
    for entities in ({"series": [CHECKOUT]}, {"series": [CHECKOUT], "service": ["a", "b"]}):
        assert post(client, model, path, {**body, "entities": entities}).status_code == 422


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"feature_service": VIEW, "entities": {"series": ["a/b"]}}, 422, "exactly ['service']"),
        ({"feature_service": VIEW, "entities": {"service": []}}, 422, "1 to 1000 rows of service"),
        ({"feature_service": VIEW, "entities": {"service": ["nul\x00"]}}, 422, "entities"),
        (
            {"features": [f"{VIEW}:nope"], "entities": {"service": ["a"]}},
            404,
            "does not exist in service_history",
        ),
        ({"features": [f"{VIEW}__r1:version"], "entities": {"series": ["a/b"]}}, 404, "does not exist"),
        ({"feature_service": f"{VIEW}__r1", "entities": {"series": ["a/b"]}}, 404, "does not exist"),
        (
            {
                "features": [f"{VIEW}:version", "detection_profile:version"],
                "entities": {"series": ["a/b"], "service": ["a"]},
            },
            422,
            "in two views",
        ),
    ],
)
def test_wrong_requests_for_facts_are_told_what_is_wrong(client, model, body, status, says):
    for path in (ONLINE, DOOR):
        answer = post(client, model, path, body)
        assert answer.status_code == status
        assert says in answer.content.decode()


def test_training_rows_get_the_facts_known_at_their_time(client, model, known):
    first, second = (row.known_at for row in known)
    times = pa.array([first - US, first, second - US, second], pa.timestamp("us", tz="UTC"))
    body = io.BytesIO()
    pq.write_table(
        pa.table({"service": ["checkout"] * 4, "event_timestamp": times, "label": [1, 2, 3, 4]}), body
    )
    answer = client.post(
        "/api/v1/features/historical",
        data=body.getvalue(),
        content_type=historical.MEDIA_TYPE,
        headers=model,
        query_params={"feature_service": VIEW},
    )
    assert answer.status_code == 200, answer.content
    found = pq.read_table(io.BytesIO(answer.content))
    assert found.column_names == ["service", "event_timestamp", "label", *VIEWS[VIEW].types]
    assert found.column("incidents_30d").to_pylist() == [None, 3, 3, 4]
    assert found.column("repeat_share").to_pylist() == [None, None, None, 0.5]
    assert found.column("label").to_pylist() == [1, 2, 3, 4]
    assert answer["X-Aftercast-Watermark"] > iso_us(second)


def test_training_rows_without_the_join_key_are_refused(client, model, known):
    body = io.BytesIO()
    times = pa.array([known[1].known_at], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"series": ["a/b"], "event_timestamp": times}), body)
    answer = client.post(
        "/api/v1/features/historical",
        data=body.getvalue(),
        content_type=historical.MEDIA_TYPE,
        headers=model,
        query_params={"features": f"{VIEW}:version"},
    )
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The table needs the join key column 'service'")


def test_the_lineage_of_a_service_is_its_rows(client, model, known):
    path = "/api/v1/features/lineage"
    found = client.get(path, {"service": "checkout"}, headers=model).json()
    assert [row["version"] for row in found["rows"]] == [2, 1]
    assert found["rows"][0]["changed"] == ["incidents_30d", "n_reviews", "repeat_share"]
    assert found["rows"][1]["known_at"] == iso_us(known[0].known_at)
    absent = client.get(path, {"service": "never"}, headers=model)
    assert (absent.status_code, absent.json()["detail"]) == (404, "Nothing is known of the service never.")
    assert client.get(path, headers=model).status_code == 422
    assert client.get(path, {"service": "nul\x00"}, headers=model).status_code == 422
