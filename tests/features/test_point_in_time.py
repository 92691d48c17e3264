"""No historical read returns a value known later than its entity row (A22), on 100,000 joined rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from apps.features import historical, reading
from apps.features.models import FactRow, ProfileRow, Release
from tests.features.support import sql

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 1, tzinfo=UTC)
SERIES = [f"s{i}/metric" for i in range(6)]
RUNS, ROWS = 5, 20_000


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, dict[str, float | None]]]:
    """Releases as (microseconds since the last one, what changes); gaps from one microsecond to days."""
    gaps = st.one_of(st.integers(1, 3), st.integers(1, 5_000_000), st.integers(10**9, 2 * 10**11))
    changes = st.dictionaries(
        st.sampled_from(SERIES), st.one_of(st.none(), st.floats(-2, 3)), min_size=0, max_size=4
    )
    return draw(st.lists(st.tuples(gaps, changes), min_size=8, max_size=25))


def record(history: list[tuple[int, dict[str, float | None]]]) -> pd.DataFrame:
    """Write the releases with moments of our choice; the rows, for the oracle."""
    with transaction.atomic():
        sql("TRUNCATE features_release CASCADE")
        at, versions, made = START, dict.fromkeys(SERIES, 0), []
        for number, (gap, changes) in enumerate(history, start=1):
            at += timedelta(microseconds=gap)
            Release.objects.create(
                number=number,
                known_at=at,
                digest="",
                parent_id=number - 1 or None,
                kind="import",
                author="test",
            )
            for series, theta in changes.items():
                versions[series] += 1
                values = {} if theta is None else {"theta_log2": theta}
                made.append(
                    ProfileRow(
                        series=series,
                        release_id=number,
                        version=versions[series],
                        known_at=at,
                        status="active" if values else "withdrawn",
                        values=values,
                    )
                )
        ProfileRow.objects.bulk_create(made)
    return pd.DataFrame(
        {
            "series": pd.Series([row.series for row in made], dtype=object),
            "known_at": pd.to_datetime([row.known_at for row in made], utc=True),
            "oracle": pd.Series([row.release_id for row in made], dtype=float),
        }
    )


def drawn_rows(known: list[datetime], seed: int, key: str = "series") -> pd.DataFrame:
    """Entity rows crowded around the releases' moments: on them, a microsecond off, and anywhere."""
    rng = np.random.default_rng(seed)
    base = np.array([int(moment.timestamp() * 1_000_000) for moment in known])
    near = rng.choice(base, ROWS) + rng.choice([-1, 0, 0, 1, -1000, 1000], ROWS)
    anywhere = rng.integers(base.min() - 10**6, base.max() + 10**6, ROWS)
    times = np.where(rng.random(ROWS) < 0.7, near, anywhere).astype("datetime64[us]")
    return pd.DataFrame(
        {
            key: rng.choice([*(SERIES if key == "series" else SERVICES), "never/seen"], ROWS),
            "event_timestamp": pd.to_datetime(times, utc=True),
        }
    )


def test_no_value_is_known_later_than_its_row(feast):
    joined_rows, leaks, wrong = 0, 0, 0

    @settings(
        max_examples=RUNS,
        deadline=None,
        phases=[Phase.generate],  # a leak is a leak; shrinking it would take minutes
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(histories(), st.integers(0, 2**32 - 1))
    def run(history, seed):
        nonlocal joined_rows, leaks, wrong
        made = record(history)
        entity_df = drawn_rows(list(Release.objects.values_list("known_at", flat=True)), seed)
        selection = reading.select(reading.standing(), feature_service="detection")
        found = historical.join(
            feast, pa.Table.from_pandas(entity_df, preserve_index=False), selection
        ).to_pandas()
        known = pd.to_datetime(found["known_at_iso"], utc=True)
        leaks += int((known > entity_df["event_timestamp"]).sum())
        wrong += disagreements(entity_df, made, found["release"])
        joined_rows += len(found)

    run()
    assert joined_rows >= RUNS * ROWS == 100_000
    assert leaks == 0
    assert wrong == 0


SERVICES = [f"s{i}" for i in range(6)]


def record_facts(history: list[tuple[int, dict[str, float | None]]]) -> pd.DataFrame:
    """Rows of facts with moments of our choice, a service for each series; the rows, for the oracle."""
    sql("TRUNCATE features_factrow")
    at, versions, made = START, dict.fromkeys(SERVICES, 0), []
    for gap, changes in history:
        at += timedelta(microseconds=gap)
        for series, risk in changes.items():
            service = series.partition("/")[0]
            versions[service] += 1
            values = {} if risk is None else {"risk_next_7d": abs(risk)}
            made.append(
                FactRow(
                    view="service_history",
                    entity=service,
                    version=versions[service],
                    known_at=at,
                    values=values,
                )
            )
    FactRow.objects.bulk_create(made)
    return pd.DataFrame(
        {
            "service": pd.Series([row.entity for row in made], dtype=object),
            "known_at": pd.to_datetime([row.known_at for row in made], utc=True),
            "oracle": pd.Series([row.version for row in made], dtype=float),
        }
    )


def test_no_fact_is_known_later_than_its_row(feast):
    joined_rows, leaks, wrong = 0, 0, 0

    @settings(
        max_examples=RUNS,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(histories(), st.integers(0, 2**32 - 1))
    def run(history, seed):
        nonlocal joined_rows, leaks, wrong
        assume(any(changes for _, changes in history))
        made = record_facts(history)
        entity_df = drawn_rows(made["known_at"].tolist(), seed, key="service")
        selection = reading.select(reading.standing(), feature_service="service_history")
        found = historical.join(
            feast, pa.Table.from_pandas(entity_df, preserve_index=False), selection
        ).to_pandas()
        known = pd.to_datetime(found["known_at_iso"], utc=True)
        leaks += int((known > entity_df["event_timestamp"]).sum())
        wrong += disagreements(entity_df, made, found["version"], key="service")
        joined_rows += len(found)

    run()
    assert joined_rows >= RUNS * ROWS
    assert leaks == 0
    assert wrong == 0


def disagreements(
    entity_df: pd.DataFrame, made: pd.DataFrame, released: pd.Series, key: str = "series"
) -> int:
    """Rows whose release (version of facts) differs from pandas' own as-of join."""
    left = entity_df.assign(row=range(len(entity_df))).sort_values("event_timestamp", kind="stable")
    right = made.sort_values("known_at").astype({"known_at": left["event_timestamp"].dtype})
    expected = pd.merge_asof(left, right, left_on="event_timestamp", right_on="known_at", by=key)
    right_ones = expected.sort_values("row")["oracle"].to_numpy(dtype=float)
    ours = released.to_numpy(dtype=float)
    return int((~((ours == right_ones) | (np.isnan(ours) & np.isnan(right_ones)))).sum())
