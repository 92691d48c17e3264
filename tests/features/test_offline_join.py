from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import PostgreSQLOfflineStore

from apps.features import pinning
from apps.features.models import Release
from tests.features.support import CHECKOUT, LOGIN, serve, sql

if TYPE_CHECKING:
    from apps.features.feast_store import Store

pytestmark = pytest.mark.unit

US = timedelta(microseconds=1)
SHOWN = ["theta_log2", "direction", "status", "release", "version", "known_at_iso"]


def rows(*pairs: tuple[str, datetime]) -> pd.DataFrame:
    series, times = zip(*pairs, strict=True)
    return pd.DataFrame({"series": list(series), "event_timestamp": pd.to_datetime(list(times), utc=True)})


def joined(feast: Store, entity_df: Any, service: str = "detection") -> pd.DataFrame:
    found = feast.get_feature_service(service, allow_cache=True)
    return feast.get_historical_features(entity_df=entity_df, features=found).to_df()


def thetas(feast, *pairs: tuple[str, datetime], service: str = "detection") -> list[float | None]:
    found = joined(feast, rows(*pairs), service)["theta_log2"]
    return [None if pd.isna(value) else float(value) for value in found]


def test_a_join_gives_what_was_known_then_to_the_microsecond(feast):
    first = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    second = serve({CHECKOUT: {"theta_log2": 2.0}}).known_at
    gone = serve({CHECKOUT: None}, kind="withdraw").known_at
    moments = (first - US, first, second - US, second, gone - US, gone)
    assert thetas(feast, *((CHECKOUT, at) for at in moments)) == [None, 1.0, 1.0, 2.0, 2.0, None]
    assert joined(feast, rows((CHECKOUT, gone)))["status"].tolist() == ["withdrawn"]


def test_a_pinned_view_holds_from_its_release_on_whatever_follows(feast):
    first = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    second = serve({CHECKOUT: {"theta_log2": 2.0}, LOGIN: {"theta_log2": 0.5}}).known_at
    later = serve({CHECKOUT: None}, kind="withdraw").known_at
    pinning.pin(number=2, author="omar")
    pinning.converge(key="2.1", payload={})
    pairs = [
        (CHECKOUT, first),
        (CHECKOUT, second - US),
        (CHECKOUT, second),
        (CHECKOUT, later),
        (LOGIN, later),
    ]
    assert thetas(feast, *pairs, service="detection__r2") == [None, None, 2.0, 2.0, 0.5]


def test_order_duplicates_index_and_other_columns_stay(feast):
    release = serve({CHECKOUT: {"theta_log2": 1.0}})
    given = rows((CHECKOUT, release.known_at), ("z/z", release.known_at), (CHECKOUT, release.known_at))
    given["label"] = pd.Series([{"a": 1}, {"a": 2}, {"a": 3}], dtype=object)
    given["weight"] = [1.5, None, 2.5]
    given.index = pd.Index([7, 3, 3])
    found = joined(feast, given)
    assert list(found.columns)[:4] == ["series", "event_timestamp", "label", "weight"]
    assert found["series"].tolist() == [CHECKOUT, "z/z", CHECKOUT]
    assert [label["a"] for label in found["label"]] == [1, 2, 3]
    assert str(found["event_timestamp"].dtype).endswith("UTC]")
    assert found["theta_log2"].isna().tolist() == [False, True, False]


def test_nanoseconds_are_floored_not_rounded(feast):
    known_at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    just_before = pd.Timestamp(known_at) - pd.Timedelta(1, "ns")
    just_after = pd.Timestamp(known_at) + pd.Timedelta(999, "ns")
    given = pd.DataFrame({"series": [CHECKOUT] * 2, "event_timestamp": [just_before, just_after]})
    assert joined(feast, given)["theta_log2"].isna().tolist() == [True, False]


def test_full_names_and_references_work_as_in_the_stock_store(feast):
    release = serve({CHECKOUT: {"theta_log2": 1.0}})
    found = feast.get_historical_features(
        entity_df=rows((CHECKOUT, release.known_at)),
        features=["detection_profile:theta_log2", "detection_profile:release"],
        full_feature_names=True,
    ).to_df()
    assert list(found.columns)[2:] == ["detection_profile__theta_log2", "detection_profile__release"]
    assert found["detection_profile__release"].tolist() == [1]


def test_sql_in_place_of_rows_is_refused(feast):
    end = datetime(2026, 1, 1, tzinfo=UTC)
    for more in ({"entity_df": "SELECT * FROM accounts_user"}, {"entity_df": None, "end_date": end}):
        with pytest.raises(TypeError, match="must be a table"):
            feast.get_historical_features(features=["detection_profile:status"], **more)


def test_a_missing_join_key_is_named(feast):
    given = rows((CHECKOUT, serve({}).known_at)).rename(columns={"series": "service"})
    with pytest.raises(ValueError, match=r"entity columns missing: \['series'\]"):
        joined(feast, given)


def test_odd_keys_are_data_and_nothing_else(feast):
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    keys = ["'; DROP TABLE features_release; --", "a\tb\\N", "\\.", "ü/ß", ""]
    assert thetas(feast, *((key, at) for key in keys)) == [None] * 5
    assert Release.objects.count() == 1


def test_a_join_leaves_no_table_behind(feast):
    at = serve({CHECKOUT: {"theta_log2": 1.0}}).known_at
    thetas(feast, (CHECKOUT, at))
    left = sql("SELECT relname FROM pg_class WHERE relname LIKE 'feast_entity%%' OR relname = 'entity_rows'")
    assert left == []


def test_equal_to_the_stock_template_on_random_data(feast):
    rng = random.Random(7)  # noqa: S311
    names = [f"s{i}/metric" for i in range(5)]
    for _ in range(25):
        chosen = rng.sample(names, rng.randint(0, 3))
        serve({name: rng.choice([None, {"theta_log2": rng.random(), "direction": "up"}]) for name in chosen})
    known = list(Release.objects.values_list("known_at", flat=True))
    shifts = [-US, timedelta(0), US, timedelta(milliseconds=3)]
    # One row per key and time: that is all that the stock template can tell apart.
    pairs = {(rng.choice([*names, "never/seen"]), rng.choice(known) + rng.choice(shifts)) for _ in range(300)}
    given = rows(*sorted(pairs))
    ours = joined(feast, given)
    service = feast.get_feature_service("detection", allow_cache=True)
    references = [f"detection_profile:{field.name}" for field in service.feature_view_projections[0].features]
    stock = PostgreSQLOfflineStore.get_historical_features(
        feast.config,
        [feast.get_feature_view("detection_profile")],
        references,
        given,
        feast.registry,
        feast.project,
    ).to_df()
    order = ["series", "event_timestamp"]
    stock["event_timestamp"] = pd.to_datetime(stock["event_timestamp"], utc=True)
    left = ours.sort_values(order)[[*order, *SHOWN]].reset_index(drop=True)
    right = stock.sort_values(order)[[*order, *SHOWN]].reset_index(drop=True)
    left["event_timestamp"] = left["event_timestamp"].astype(right["event_timestamp"].dtype)
    pd.testing.assert_frame_equal(left, right, check_dtype=False)
    assert left["theta_log2"].notna().sum() > 50


def test_the_stock_template_doubles_rows_on_a_tie_which_the_database_forbids(feast):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    ties = sql("SELECT indexdef FROM pg_indexes WHERE indexname = 'features_row_known_at_unique'")
    assert "UNIQUE" in ties[0][0]
    assert "(series, known_at)" in ties[0][0]
