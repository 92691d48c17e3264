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
from apps.features import entity_table, pages
from apps.features.entity_table import keys_of, read_parquet, times_of

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


@pytest.mark.parametrize("kind", [pa.string_view(), pa.json_(), pa.large_string()], ids=str)
def test_texts_of_other_arrow_types_are_counted_before_they_are_unpacked(kind):
    texts = pa.array(["x" * 20_000] * 5_000, pa.string())
    bomb = body(
        rows(
            5_000,
            text=pa.ExtensionArray.from_storage(kind, texts) if kind == pa.json_() else texts.cast(kind),
        )
    )
    del texts
    with pytest.raises(InvalidInputError, match="unpacked"):
        read_parquet(bomb)


def test_texts_of_every_arrow_type_come_through():
    kinds = (pa.string_view(), pa.large_string(), pa.json_(), pa.binary(3), pa.decimal128(20, 2))
    values: list[list[Any]] = [["1", None, "22"], ["1"] * 3, ["1"] * 3, [b"abc"] * 3, [1, 2, None]]
    columns = {f"c{i}": pa.array(v, k) for i, (k, v) in enumerate(zip(kinds, values, strict=True))}
    assert read_parquet(body(rows(**columns))).equals(rows(**columns))


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_that_share_one_beginning_stored_once_are_refused(encoding):
    table = rows(1_000, text=["x" * 20_000 + str(i) for i in range(1_000)])
    small = body(table, use_dictionary=False, column_encoding={"text": encoding})
    with pytest.raises(InvalidInputError, match="plainly or by dictionary"):
        read_parquet(small)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_footer_that_lies_about_sizes_does_not_help(version):
    table = rows(1, text=["x" * (65 * 2**20)])
    honest = body(table, compression="zstd", use_dictionary=False, data_page_version=version)
    assert len(honest) < 100_000
    group = parquet.ParquetFile(io.BytesIO(honest)).metadata.row_group(0)
    sizes = {group.total_byte_size, group.column(2).total_uncompressed_size}
    lie = honest
    for size in sizes:
        assert lie.count(zigzag(size)) >= 1
        lie = lie[:-8192] + lie[-8192:].replace(zigzag(size), zigzag(1_000, len(zigzag(size))))
    assert parquet.ParquetFile(io.BytesIO(lie)).metadata.row_group(0).total_byte_size == 1_000
    before = pa.total_allocated_bytes()
    with pytest.raises(InvalidInputError, match="unpacked"):
        read_parquet(lie)
    assert pa.total_allocated_bytes() - before < 2**20


def zigzag(number: int, length: int = 0) -> bytes:
    """A positive number as Thrift's compact protocol writes it, made longer if asked."""
    rest, coded = number << 1, bytearray()
    while rest > 127 or len(coded) + 1 < length:
        coded.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*coded, rest])


def test_a_page_of_two_thousand_million_nulls_is_counted_by_its_own_header():
    """Nulls are stored as a run: a few bytes, whatever their number. Each reader reserves for all of them."""
    honest = body(rows(3, label=pa.array([None] * 3, pa.int64())), compression="none", use_dictionary=False)
    start = parquet.ParquetFile(io.BytesIO(honest)).metadata.row_group(0).column(2).data_page_offset
    header = honest[start : start + 40]
    at = start + header.index(b"\x2c\x15\x06") + 1  # the data page's own header: field 1, three values
    claimed = zigzag(2**31 - 1)
    forged = honest[: at + 1] + claimed + honest[at + 1 + len(claimed) :]
    with pytest.raises(InvalidInputError, match="unpacked"):
        pages.check(forged, max_rows=3, max_bytes=2**20)


def test_a_huge_footer_is_refused_unread():
    with pytest.raises(InvalidInputError, match="footer"):
        read_parquet(b"PAR1" + bytes(100) + (5 * 2**20).to_bytes(4, "little") + b"PAR1")


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
            keys_of(table)
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
