from __future__ import annotations

import io
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.common.times import iso_us
from apps.features import historical, pinning
from apps.features.schema import TYPES, ProfileContent
from tests.features.support import CHECKOUT, LOGIN, bearer, content, person, serve, source

pytestmark = pytest.mark.api

US = timedelta(microseconds=1)
PATH = "/api/v1/features/historical"


@pytest.fixture
def model(feast):
    return bearer(person("model", is_service=True), "features:read")


def parquet(table: pa.Table | dict[str, Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), out)
    return out.getvalue()


def rows(*pairs: tuple[str, datetime | None], **more: list[Any]) -> pa.Table:
    series, times = zip(*pairs, strict=True)
    return pa.table(
        {"series": list(series), "event_timestamp": pa.array(times, pa.timestamp("us", tz="UTC")), **more}
    )


def post(client, headers, body: bytes, **query: Any):
    return client.post(
        PATH, data=body, content_type=historical.MEDIA_TYPE, headers=headers, query_params=query
    )


def ask(client, headers, table: pa.Table | dict[str, Any], **query: Any) -> pa.Table:
    answer = post(client, headers, parquet(table), **query)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == historical.MEDIA_TYPE
    return pq.read_table(io.BytesIO(answer.content))


def test_a_row_gets_what_was_known_at_its_time(client, model):
    first = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    second = serve({CHECKOUT: None}, kind="withdraw").known_at
    found = ask(client, model, rows((CHECKOUT, first - US), (CHECKOUT, first), (CHECKOUT, second)))
    assert found.column("theta_log2").to_pylist() == [None, 1.0, None]
    assert found.column("status").to_pylist() == [None, "active", "withdrawn"]
    assert found.column_names == ["series", "event_timestamp", *TYPES]


def test_rows_columns_order_and_duplicates_come_back_untouched(client, model):
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    given = rows((CHECKOUT, at), (LOGIN, at), (CHECKOUT, at), label=[3, None, 1], note=["a", "b", "c"])
    found = ask(client, model, given, features="detection_profile:theta_log2")
    assert found.select(given.column_names).equals(given)
    assert found.column("theta_log2").to_pylist() == [1.0, None, 1.0]


def test_a_named_release_needs_no_times_and_ignores_them(client, model):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    second = serve({CHECKOUT: {"theta_log2": 2.0}})
    keys = {"series": [CHECKOUT, LOGIN]}
    for number, theta in ((1, 1.0), (2, 2.0)):
        found = ask(client, model, keys, as_of_release=number, features="detection_profile:theta_log2")
        assert found.to_pydict() == {**keys, "theta_log2": [theta, None]}
    found = ask(client, model, rows((CHECKOUT, second.known_at)), as_of_release=1)
    assert found.column("theta_log2").to_pylist() == [1.0]


def test_a_pinned_service_and_several_references_with_full_names(client, model):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    pinning.pin(number=1, author="omar")
    pinning.converge(key="1.1", payload={})
    at = serve({CHECKOUT: {"theta_log2": 2.0}}).known_at
    found = ask(client, model, rows((CHECKOUT, at)), feature_service="detection__r1")
    assert found.column("theta_log2").to_pylist() == [1.0]
    refs = ["detection_profile__r1:theta_log2", "detection_profile:theta_log2"]
    both = ask(client, model, rows((CHECKOUT, at)), features=refs, full_feature_names="true")
    assert both.column("detection_profile__r1__theta_log2").to_pylist() == [1.0]
    assert both.column("detection_profile__theta_log2").to_pylist() == [2.0]


def test_the_watermark_is_the_moment_up_to_which_answers_are_final(client, model):
    release = serve({CHECKOUT: {"theta_log2": 1.0}})
    answer = post(client, model, parquet(rows((CHECKOUT, release.known_at))))
    watermark = datetime.fromisoformat(answer["X-Aftercast-Watermark"])
    later = serve({CHECKOUT: {"theta_log2": 2.0}})
    assert release.known_at < watermark < later.known_at
    again = ask(client, model, rows((CHECKOUT, watermark)))
    assert again.column("theta_log2").to_pylist() == [1.0]


def test_a_cautious_consumer_trains_on_what_it_would_be_served(client, feast):
    sources = {"theta_log2": source(0.9), "direction": source(0.5)}
    at = serve(
        {
            CHECKOUT: ProfileContent({"theta_log2": 1.0, "direction": "up"}, sources),
            LOGIN: content({"min_rel": 0.5}, 0.4),
        }
    ).known_at
    token = bearer(person("cautious", is_service=True), "features:read", min_confidence=0.8)
    found = ask(client, token, rows((CHECKOUT, at), (LOGIN, at), ("no/where", at)))
    assert found.column("theta_log2").to_pylist() == [1.0, None, None]
    assert found.column("direction").to_pylist() == [None, None, None]
    assert found.column("min_rel").to_pylist() == [None, None, None]
    assert found.column("status").to_pylist() == ["active", "withheld", None]
    assert found.column("confidence").to_pylist() == [0.9, None, None]
    lax = bearer(person("lax", is_service=True), "features:read")
    asked = ask(
        client, lax, rows((CHECKOUT, at)), min_confidence="0.8", features="detection_profile:direction"
    )
    assert asked.column("direction").to_pylist() == [None]


def test_what_had_expired_by_a_rows_time_is_null_in_that_row(client, model):
    end = datetime(2100, 1, 1, tzinfo=UTC)
    serve({CHECKOUT: content({"theta_log2": 1.0}, expires_at=end)})
    found = ask(client, model, rows((CHECKOUT, end - US), (CHECKOUT, end)))
    assert found.column("theta_log2").to_pylist() == [1.0, None]
    assert found.column("status").to_pylist() == ["active", "withheld"]
    assert found.column("expires_at").to_pylist() == [iso_us(end), None]


def test_times_without_a_zone_are_utc_and_other_units_are_fine(client, model):
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    naive = pa.array([at.replace(tzinfo=None), (at - US).replace(tzinfo=None)], pa.timestamp("ns"))
    found = ask(client, model, pa.table({"series": [CHECKOUT] * 2, "event_timestamp": naive}))
    assert found.column("theta_log2").to_pylist() == [1.0, None]


def test_a_pandas_categorical_key_works(client, model):
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    frame = pd.DataFrame({"series": pd.Categorical([CHECKOUT]), "event_timestamp": [at]})
    found = ask(client, model, pa.Table.from_pandas(frame, preserve_index=False))
    assert found.column("theta_log2").to_pylist() == [1.0]


NOW = datetime(2026, 1, 1, tzinfo=UTC)
REFUSED = {
    "no Parquet": (b"series,event_timestamp\n", {}, 422, "body"),
    "empty body": (b"", {}, 422, "body"),
    "no rows": (parquet(rows((CHECKOUT, NOW)).slice(0, 0)), {}, 422, "body"),
    "too many rows": (parquet({"series": ["a/b"] * 50_001}), {"as_of_release": 1}, 422, "body"),
    "no key": (parquet({"service": ["a/b"]}), {"as_of_release": 1}, 422, "series"),
    "null key": (parquet({"series": ["a/b", None]}), {"as_of_release": 1}, 422, "series"),
    "numeric key": (parquet({"series": [1]}), {"as_of_release": 1}, 422, "series"),
    "no times": (parquet({"series": ["a/b"]}), {}, 422, "event_timestamp"),
    "times as text": (parquet({"series": ["a/b"], "event_timestamp": ["2026"]}), {}, 422, "event_timestamp"),
    "a row without time": (parquet(rows(("a/b", NOW), ("a/b", None))), {}, 422, "event_timestamp"),
    "a taken name": (parquet(rows(("a/b", NOW), status=["x"])), {}, 422, "body"),
    "times beyond every calendar": (
        parquet({"series": ["a/b"], "event_timestamp": pa.array([2**63 - 1], pa.timestamp("us", "UTC"))}),
        {},
        422,
        "event_timestamp",
    ),
    "no such zone": (
        parquet({"series": ["a/b"], "event_timestamp": pa.array([0], pa.timestamp("us", "Bogus/Zone"))}),
        {},
        422,
        "event_timestamp",
    ),
    "two keys": (
        parquet(pa.Table.from_arrays([pa.array(["a/b"])] * 2, names=["series"] * 2)),
        {"as_of_release": 1},
        422,
        "body",
    ),
    "unknown release": (parquet({"series": ["a/b"]}), {"as_of_release": 99}, 404, "release"),
    "bad release": (parquet({"series": ["a/b"]}), {"as_of_release": "x"}, 422, "as_of_release"),
    "unknown service": (parquet(rows(("a/b", NOW))), {"feature_service": "nope"}, 404, "feature_service"),
    "bad confidence": (parquet(rows(("a/b", NOW))), {"min_confidence": 2}, 422, "min_confidence"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_request_is_refused_with_its_field(client, model, case):
    body, query, status, field = case
    serve({CHECKOUT: {"theta_log2": 1.0}})
    answer = post(client, model, body, **query)
    assert answer.status_code == status, answer.content
    assert answer.json()["field"] == field


def test_without_the_scope_nothing_is_joined(client, feast):
    other = bearer(person("alarms", is_service=True), "alerts:write")
    assert post(client, other, b"").status_code == 403
    assert post(client, {}, b"").status_code == 401


def test_flipped_bits_are_never_an_error_of_ours(client, model):
    """From the bytes to the reply: an extra column that broke may still have to be written."""
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    whole = parquet(rows((CHECKOUT, at), (LOGIN, at), note=["a", "b"], n=[1, 2]))
    dice = random.Random(20260101)  # noqa: S311
    statuses: Counter[int] = Counter()
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        statuses[post(client, model, bytes(broken), features="detection_profile:theta_log2").status_code] += 1
    assert set(statuses) == {200, 422}


def test_years_at_both_ends_are_joined(client, model):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    early, late = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
    found = ask(client, model, rows((CHECKOUT, early), (CHECKOUT, late)))
    assert found.column("theta_log2").to_pylist() == [None, 1.0]
