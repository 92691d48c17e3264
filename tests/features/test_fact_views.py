"""Views of facts of every shape: composite entities, JSON columns, and one that is never served online."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection

from apps.audit import outbox
from apps.audit.models import Outbox
from apps.common.errors import InvalidInputError, require
from apps.features import definitions, facts, historical, reconcile, vectors
from apps.features.models import FactRow, FeatureUse
from tests.features.support import CHECKOUT, bearer, person

PRIOR, MODES, LABELS = "remediation_prior", "failure_mode_prior", "incident_label"
ENTITY = "config_error/tier_1"
ONLINE, DOOR = "/api/v1/features/online", "/feast/get-online-features"
US = timedelta(microseconds=1)


def put(view: str, entity: str, **values: Any) -> FactRow:
    return require(facts.put(view=view, entity=entity, values=values), "the row")


def joined(client, headers, service: str, columns: dict[str, Any]) -> pa.Table:
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    answer = client.post(
        "/api/v1/features/historical",
        data=body.getvalue(),
        content_type=historical.MEDIA_TYPE,
        headers=headers,
        query_params={"feature_service": service},
    )
    assert answer.status_code == 200, answer.content
    return pq.read_table(io.BytesIO(answer.content))


@pytest.fixture
def model(feast):
    return bearer(person("model", is_service=True), "features:read")


# --- what may be put ------------------------------------------------------------------------------
@pytest.mark.unit
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("view", "entity"),
    [
        (PRIOR, "config_error"),
        (PRIOR, "config_error/tier_1/x"),
        (PRIOR, "Config/tier_1"),
        (PRIOR, "config_error/"),
        (LABELS, "checkout"),
        (LABELS, "a/b/c"),
        (LABELS, None),
        (MODES, "a/b"),
    ],
)
def test_an_entity_has_the_form_of_its_view(view, entity):
    with pytest.raises(InvalidInputError) as refused:
        facts.put(view=view, entity=entity, values={})
    assert refused.value.field == "entity"
    assert not FactRow.objects.exists()


@pytest.mark.unit
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("modes_json", "[]"),
        ("modes_json", [float("nan")]),
        ("modes_json", ["nul\x00"]),
        ("modes_json", ["x" * 100_000]),
        ("modes_json", [object()]),
        ("top_mode", "Not a code"),
        ("top_mode", 3),
        ("prior_weight", -1.0),
        ("prior_weight", float("inf")),
        ("prior_weight", True),
    ],
)
def test_a_value_of_another_kind_is_refused(column, value):
    with pytest.raises(InvalidInputError) as refused:
        facts.put(view=MODES, entity="checkout", values={column: value})
    assert refused.value.field == column


@pytest.mark.unit
@pytest.mark.django_db
def test_json_is_kept_in_canonical_form_so_that_its_order_is_no_change():
    first = put(MODES, "checkout", modes_json=[{"n": 1, "mode": "dns", "chance": 0.5}])
    assert first.values["modes_json"] == '[{"chance":0.5,"mode":"dns","n":1}]'
    again = [{"mode": "dns", "chance": 0.5, "n": 1}]
    assert facts.put(view=MODES, entity="checkout", values={"modes_json": again}) is None


@pytest.mark.unit
@pytest.mark.django_db
def test_a_share_of_remediations_needs_the_attempts_that_it_is_of():
    with pytest.raises(InvalidInputError, match="top_attempted"):
        facts.put(view=PRIOR, entity=ENTITY, values={"top_success_share": 0.5})


# --- composite entities ---------------------------------------------------------------------------
@pytest.mark.api
@pytest.mark.parametrize("path", [ONLINE, DOOR])
def test_a_composite_entity_is_read_online_by_both_keys(client, model, path):
    put(PRIOR, ENTITY, n_reviews=2, remediations_json=[{"remediation": "rollback", "attempted": 2}])
    put(PRIOR, "dns/tier_1", n_reviews=7)
    outbox.drain()
    keys = {"failure_mode": ["config_error", "dns", "dns"], "service_tier": ["tier_1", "tier_1", "tier_2"]}
    answer = client.post(
        path,
        data={"feature_service": PRIOR, "entities": keys},
        content_type="application/json",
        headers=model,
    )
    assert answer.status_code == 200, answer.content
    body = answer.json()
    found = dict(zip(body["metadata"]["feature_names"], body["results"], strict=True))
    assert found["n_reviews"]["values"] == [2, 7, None]
    assert found["n_reviews"]["statuses"] == ["PRESENT", "PRESENT", "NOT_FOUND"]
    assert json.loads(found["remediations_json"]["values"][0]) == [
        {"attempted": 2, "remediation": "rollback"}
    ]
    refused = client.post(
        path,
        data={"feature_service": PRIOR, "entities": {"failure_mode": ["dns"]}},
        content_type="application/json",
        headers=model,
    )
    assert refused.status_code == 422
    assert "exactly ['failure_mode', 'service_tier']" in refused.content.decode()


@pytest.mark.api
def test_a_composite_entity_is_joined_at_each_rows_time(client, model):
    first, second = put(PRIOR, ENTITY, n_reviews=1), put(PRIOR, ENTITY, n_reviews=2)
    times = [first.known_at - US, first.known_at, second.known_at - US, second.known_at]
    table = joined(
        client,
        model,
        PRIOR,
        {
            "failure_mode": ["config_error"] * 4,
            "service_tier": ["tier_1"] * 4,
            "event_timestamp": pa.array(times, pa.timestamp("us", tz="UTC")),
        },
    )
    assert table.column("n_reviews").to_pylist() == [None, 1, 1, 2]


@pytest.mark.unit
@pytest.mark.django_db
def test_the_join_finds_composite_rows_by_their_index():
    query = definitions.of_facts(PRIOR).source.get_table_query_string()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN SELECT n_reviews FROM {query} AS s"  # noqa: S608  # our own
            " WHERE failure_mode = 'dns' AND service_tier = 'any'"
            " AND known_at <= now() ORDER BY known_at DESC LIMIT 1"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "features_fact_parts" in plan


# --- for training only ----------------------------------------------------------------------------
LABEL = {"start": "2026-11-01T00:00:00.000000Z", "end": "2026-11-01T01:00:00.000000Z", "kind": "incident"}


@pytest.mark.api
@pytest.mark.parametrize("path", [ONLINE, DOOR])
@pytest.mark.parametrize(
    "asked",
    [{"feature_service": LABELS}, {"features": [f"{LABELS}:n_incidents", "detection_profile:status"]}],
)
def test_labels_are_refused_online_in_words(client, model, path, asked):
    put(LABELS, CHECKOUT, n_incidents=1, intervals_json=[LABEL])
    answer = client.post(
        path,
        data={**asked, "entities": {"series": [CHECKOUT]}},
        content_type="application/json",
        headers=model,
    )
    assert answer.status_code == 422
    assert "incident_label is for training only and never served online" in answer.content.decode()
    assert not FeatureUse.objects.exists()


@pytest.mark.api
def test_no_row_of_labels_ever_stands_online(feast):
    row = put(LABELS, CHECKOUT, n_incidents=1, intervals_json=[LABEL])
    assert not Outbox.objects.filter(kind=facts.PUBLISH_KIND).exists()
    with pytest.raises(ValueError, match="never served online"):
        vectors.write(feast, definitions.of_facts(LABELS).view, [row])
    assert reconcile.reconcile().clean
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO feast_online.feast_kv (view, entity_key, payload, event_ts)"
            " VALUES ('aftercast/incident_label', '\\x01', '\\x01', now())"
        )
    assert [found.kind for found in reconcile.reconcile().findings] == ["row_orphan"]
    assert reconcile.reconcile(repair=True).clean


@pytest.mark.api
def test_training_at_a_past_moment_sees_the_labels_known_then(client, model):
    wrong = put(LABELS, CHECKOUT, n_incidents=1, intervals_json=[LABEL])
    corrected = put(LABELS, CHECKOUT, n_incidents=0, intervals_json=[])
    assert FactRow.objects.count() == 2  # a correction is a new row
    times = [wrong.known_at - US, wrong.known_at, corrected.known_at - US, corrected.known_at]
    table = joined(
        client,
        model,
        LABELS,
        {"series": [CHECKOUT] * 4, "event_timestamp": pa.array(times, pa.timestamp("us", tz="UTC"))},
    )
    known = [text and json.loads(text) for text in table.column("intervals_json").to_pylist()]
    assert known == [None, [LABEL], [LABEL], []]
    use = FeatureUse.objects.get()
    assert (use.consumer, use.feature_service, use.release, use.reads) == ("model/test 0", LABELS, 0, 1)


@pytest.mark.api
def test_labels_are_joined_to_few_rows_at_a_time(client, model, monkeypatch):
    monkeypatch.setattr(historical, "MAX_TRAINING_ONLY_ROWS", 2)
    row = put(LABELS, CHECKOUT, n_incidents=1, intervals_json=[LABEL])
    times = pa.array([row.known_at] * 3, pa.timestamp("us", tz="UTC"))
    columns = {"series": [CHECKOUT] * 3, "event_timestamp": times}
    assert joined(client, model, LABELS, {key: values[:2] for key, values in columns.items()}).num_rows == 2
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    refused = client.post(
        "/api/v1/features/historical",
        data=body.getvalue(),
        content_type=historical.MEDIA_TYPE,
        headers=model,
        query_params={"feature_service": LABELS},
    )
    assert (refused.status_code, refused.json()["field"]) == (422, "body")


@pytest.mark.api
def test_an_answer_of_the_past_is_the_same_whatever_is_learnt_later(client, model):
    for view, entity in ((PRIOR, ENTITY), (MODES, "checkout")):
        facts.put(view=view, entity=entity, values={"n_reviews": 1})
    put(LABELS, CHECKOUT, n_incidents=1, intervals_json=[LABEL])
    at = pa.array([facts.settle()], pa.timestamp("us", tz="UTC"))
    keys = {
        PRIOR: {"failure_mode": ["config_error"], "service_tier": ["tier_1"]},
        MODES: {"service": ["checkout"]},
        LABELS: {"series": [CHECKOUT]},
    }
    before = {view: joined(client, model, view, {**key, "event_timestamp": at}) for view, key in keys.items()}
    for view, entity in ((PRIOR, ENTITY), (MODES, "checkout")):
        facts.put(view=view, entity=entity, values={"n_reviews": 9})
    put(LABELS, CHECKOUT, n_incidents=0, intervals_json=[])
    after = {view: joined(client, model, view, {**key, "event_timestamp": at}) for view, key in keys.items()}
    assert before == after
    assert before[LABELS].column("n_incidents").to_pylist() == [1]
