"""Parquet from outside: what is refused before it can hurt, and that whole tables come through unchanged."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from apps.common.errors import InvalidInputError
from apps.features import entity_table
from apps.features.entity_table import read_parquet, series_of, times_of

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def body(table: pa.Table, **options: Any) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, **options)
    return out.getvalue()


def rows(n: int = 3, **columns: Any) -> pa.Table:
    moments = pa.array([NOW] * n, pa.timestamp("us", "UTC"))
    return pa.table({"series": [f"a/m{i}" for i in range(n)], "event_timestamp": moments, **columns})


def test_a_table_comes_through_with_its_types_order_and_duplicates():
    category = pa.array(["x", "y", "x"]).dictionary_encode()
    table = rows(label=["b", "a", "b"], number=[1, None, 3], raw=[b"1", b"", b"2"], category=category)
    assert read_parquet(body(table)).equals(table)


@pytest.mark.parametrize("store_schema", [True, False])
def test_a_kilobyte_that_unpacks_to_a_gigabyte_is_refused_before_it_does(store_schema):
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array(["x" * 20_000]))
    bomb = body(rows(50_000, text=text), store_schema=store_schema, use_dictionary=True)
    assert len(bomb) < 600_000
    before = pa.total_allocated_bytes()
    with pytest.raises(InvalidInputError, match="unpacked") as refusal:
        read_parquet(bomb)
    assert refusal.value.field == "body"
    assert pa.total_allocated_bytes() - before < 8 * 2**20


@pytest.mark.parametrize(
    "table",
    [
        rows(nested=[[1], [2], [3]]),
        rows(wide=pa.array([b"x" * 64] * 3, pa.binary(64))),
        pa.table({f"c{i}": [1, 2, 3] for i in range(entity_table.MAX_COLUMNS + 1)}),
        pa.Table.from_arrays([pa.array(["a/b"])] * 2, names=["series", "series"]),
        rows(0),
    ],
)
def test_what_could_unpack_without_end_or_is_ambiguous_is_refused(table):
    with pytest.raises(InvalidInputError) as refusal:
        read_parquet(body(table))
    assert refusal.value.field == "body"


def test_more_rows_than_the_limit_are_refused():
    with pytest.raises(InvalidInputError, match="1 to 50000 rows"):
        read_parquet(body(rows(entity_table.MAX_ROWS + 1)))


def test_flipped_bits_never_lead_to_anything_but_a_refusal_or_a_table():
    whole = bytearray(body(rows(50, label=["text"] * 50)))
    dice = random.Random(7)  # noqa: S311
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        try:
            table = read_parquet(bytes(broken))
            series_of(table)
            times_of(table)
        except InvalidInputError:
            continue


@pytest.mark.parametrize(
    ("unit", "value"), [("us", 2**63 - 1), ("s", 2**50), ("ms", 2**60), ("us", -(2**63) + 1), ("s", -(2**40))]
)
def test_times_that_no_calendar_has_are_refused(unit, value):
    table = pa.table({"series": ["a/b"], "event_timestamp": pa.array([value], pa.timestamp(unit, "UTC"))})
    with pytest.raises(InvalidInputError) as refusal:
        times_of(table)
    assert refusal.value.field == "event_timestamp"


def test_a_zone_that_does_not_exist_is_refused():
    table = pa.table({"series": ["a/b"], "event_timestamp": pa.array([0], pa.timestamp("us", "Bogus/Zone"))})
    with pytest.raises(InvalidInputError) as refusal:
        times_of(table)
    assert refusal.value.field == "event_timestamp"
