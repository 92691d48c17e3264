from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.common.errors import InvalidInputError
from apps.telemetry.sources import BrokenFileError, SeriesFile, read_bytes, read_csv

pytestmark = pytest.mark.unit

T0 = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
MINUTE = 60_000_000


def read(text: str | bytes, tz: str = "UTC") -> SeriesFile:
    data = text.encode() if isinstance(text, str) else text
    return read_bytes(data, series_id="shop/orders", file="orders.csv", tz=tz)


def issues(reading: SeriesFile) -> dict[str, tuple[int, int | None]]:
    return {kind: (issue.count, issue.first_row) for kind, issue in reading.report.issues.items()}


def test_a_plain_file_is_read_without_remark():
    reading = read(
        "timestamp,value\n2026-01-01 00:00:00,1\n2026-01-01 00:01:00,2.5\n2026-01-01 00:02:00,-3e2\n"
    )
    assert reading.series_id == "shop/orders"
    assert reading.times.tolist() == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert reading.values.tolist() == [1.0, 2.5, -300.0]
    assert reading.times.dtype == np.int64
    assert (reading.report.rows, reading.report.samples, reading.report.cadence_s) == (3, 3, 60.0)
    assert issues(reading) == {}
    assert len(reading.telemetry) == 3


def test_bom_crlf_quotes_column_order_case_and_extra_columns_do_no_harm():
    reading = read(b'\xef\xbb\xbf"Value",h, Timestamp \r\n"1","a, b",1767225600\r\n2,c,"1767225660"\r\n')
    assert reading.times.tolist() == [T0, T0 + MINUTE]
    assert reading.values.tolist() == [1.0, 2.0]
    assert issues(reading) == {"ignored_columns": (1, 1)}
    assert reading.report.issues["ignored_columns"].detail == {"columns": ["h"]}


def test_blank_rows_are_skipped_and_counted():
    reading = read("timestamp,value\n\n0,1\n  \n60,2\n\n")
    assert reading.values.tolist() == [1.0, 2.0]
    assert issues(reading) == {"blank_rows": (3, 2)}
    assert reading.report.rows == 2


def test_old_line_ends_are_read():
    assert read("timestamp,value\r0,1\r60,2\r").values.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-01-01",
        "2026-01-01 00:00",
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-01 01:00:00 +0100",
        "2025-12-31T19:00:00.000000-05:00",
        "2026-01-01 00:00:00 UTC",
        "20260101T000000Z",
        "2026-W01-4",
        "1767225600",
        "1767225600.0",
        "1.7672256e9",
        "1767225600000",
        "1767225600000000",
        "1767225600000000000",
    ],
)
def test_the_same_instant_in_any_writing(stamp):
    assert read(f"timestamp,value\n{stamp},1\n").times.tolist() == [T0]


def test_fractions_are_exact_to_the_microsecond_and_cut_below():
    reading = read("timestamp,value\n2026-01-01T00:00:00.123456789Z,1\n")
    assert reading.times.tolist() == [T0 + 123_456]
    assert read("timestamp,value\n1767225600.123456789,1\n").times.tolist() == [T0 + 123_456]
    assert read("timestamp,value\n1767225600123456789,1\n").times.tolist() == [T0 + 123_456]
    assert read("timestamp,value\n-0.0000015,1\n").times.tolist() == [-2]


def test_times_without_a_zone_are_read_in_the_zone_given():
    assert read("timestamp,value\n2026-01-01 01:00:00,1\n", tz="Europe/Berlin").times.tolist() == [T0]
    assert read("timestamp,value\n2026-01-01 05:45:00,1\n", tz="Asia/Kathmandu").times.tolist() == [T0]


def test_an_unknown_zone_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="'Mars/Base' is no time zone") as caught:
        read("timestamp,value\n0,1\n", tz="Mars/Base")
    assert caught.value.field == "tz"


def test_an_ambiguous_local_time_is_the_earlier_moment_and_is_reported():
    reading = read("timestamp,value\n2026-10-25 02:30:00,1\n2026-10-25 03:30:00,2\n", tz="Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert reading.times[0] == int(first.timestamp()) * 1_000_000
    assert issues(reading)["ambiguous_local_times"] == (1, 2)


def test_a_local_time_that_never_was_moves_an_hour_on_and_is_reported():
    reading = read("timestamp,value\n2026-03-29 01:30:00,1\n2026-03-29 02:30:00,2\n", tz="Europe/Berlin")
    assert (reading.times[1] - reading.times[0]) == 60 * MINUTE
    assert issues(reading) == {"nonexistent_local_times": (1, 3)}


def test_mixed_zones_are_read_each_in_its_own_and_reported():
    reading = read(
        "timestamp,value\n2026-01-01T01:00:00+01:00,1\n2026-01-01T00:01:00Z,2\n2026-01-01T00:02:00,3\n"
    )
    assert reading.times.tolist() == [T0, T0 + MINUTE, T0 + 2 * MINUTE]
    assert reading.report.issues["mixed_zones"].detail == {
        "zones": {"none (read in UTC)": 1, "+00:00": 1, "+01:00": 1}
    }


def test_missing_and_infinite_values_are_dropped_and_counted():
    reading = read("timestamp,value\n0,1\n60,\n120,NaN\n180,null\n240,inf\n300,-Infinity\n360,1e999\n420,2\n")
    assert reading.times.tolist() == [0, 7 * MINUTE]
    assert issues(reading) == {"missing_values": (3, 3), "infinite_values": (3, 6)}


def test_identical_duplicates_are_dropped_and_of_conflicting_ones_the_last_wins():
    reading = read("timestamp,value\n0,1\n60,2\n60,2\n120,3\n120,9\n120,4\n")
    assert reading.values.tolist() == [1.0, 2.0, 4.0]
    assert issues(reading) == {"identical_duplicates": (1, 3), "conflicting_duplicates": (2, 5)}


def test_disorder_is_sorted_and_counted():
    reading = read("timestamp,value\n120,3\n0,1\n60,2\n180,4\n")
    assert reading.values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert issues(reading) == {"out_of_order": (2, 3)}


def test_gaps_are_counted_by_the_cadence_and_nothing_is_invented():
    reading = read("timestamp,value\n0,1\n60,1\n120,1\n420,1\n480,1\n660,1\n")
    assert reading.report.samples == 6
    assert issues(reading) == {"gaps": (2, 5)}
    assert reading.report.issues["gaps"].detail == {"missing_samples": 6, "longest_s": 300.0}


@pytest.mark.parametrize(
    ("text", "row", "column", "found", "says"),
    [
        ("timestamp,value\n0,1\nnoon,2\n", 3, "timestamp", "noon", "not a timestamp"),
        ("timestamp,value\n0,1\n,2\n", 3, "timestamp", "", "not a timestamp"),
        ("timestamp,value\n2026-13-01,1\n", 2, "timestamp", "2026-13-01", "not a timestamp"),
        ("timestamp,value\n0,1\n60,high\n", 3, "value", "high", "not a number"),
        ('timestamp,value\n0,"1,5"\n', 2, "value", "1,5", "not a number"),
        ("timestamp,value\n0,1_000\n", 2, "value", "1_000", "not a number"),
        ("timestamp,value\n0,٣\n", 2, "value", "٣", "not a number"),
        ("timestamp,value\n0,1\n60,2,3\n", 3, None, "60,2,3", "3 fields where the header has 2"),
        ("timestamp,value\n0,1\n60\n", 3, None, "60", "1 fields where the header has 2"),
        ("time,value\n0,1\n", 1, "timestamp", "time,value", "no column timestamp"),
        ("timestamp;value\n0;1\n", 1, "timestamp", "timestamp;value", "no column timestamp"),
        ("timestamp,amount\n0,1\n", 1, "value", "timestamp,amount", "no column value"),
        ("timestamp,value,value\n0,1,2\n", 1, "value", "timestamp,value,value", "more than one column value"),
        ("2026-01-01,1\n2026-01-02,2\n", 1, "timestamp", "2026-01-01,1", "no column timestamp"),
        ("", 1, None, None, "no header"),
        ("timestamp,value\n", None, None, None, "no sample in it"),
        ("timestamp,value\n0,\n60,nan\n", None, None, None, "not one row with a value"),
        ("timestamp,value\n0,1\n60,2\x00\n", 3, None, "60,2\x00", "a NUL character"),
        (
            "timestamp,value\n20260101,1\n",
            2,
            "timestamp",
            "20260101",
            "either a date without dashes or seconds",
        ),
        ("timestamp,value\n1767225600,1\n1767225660000,2\n", 3, "timestamp", "1767225660000", "a time in ms"),
        ("timestamp,value\n9999999999999999999999,1\n", 2, "timestamp", "9" * 22, "too large"),
        ('timestamp,value\n0,1\n60,"2\n120,3\n', 3, None, None, "not CSV"),
    ],
)
def test_a_broken_file_is_refused_with_row_column_text_and_remedy(text, row, column, found, says):
    with pytest.raises(BrokenFileError) as caught:
        read(text)
    error = caught.value
    assert (error.file, error.row, error.column, error.text) == ("orders.csv", row, column, found)
    assert says in error.detail
    assert "orders.csv" in error.detail
    assert (f"row {row}" in error.detail) == (row is not None)
    assert error.remedy
    assert error.code == "broken_file"


@pytest.mark.parametrize(
    ("data", "row", "remedy"),
    [
        (b"timestamp,value\n0,1\n60,\xff\n", 3, "Save the file as UTF-8 text."),
        ("timestamp,value\n0,1\n".encode("utf-16"), 1, "The file is UTF-16: save it as UTF-8."),
        (b"\x1f\x8b\x08\x00\x00\x00", 1, "Save the file as UTF-8 text."),
    ],
)
def test_another_encoding_is_refused_by_row(data, row, remedy):
    with pytest.raises(BrokenFileError) as caught:
        read(data)
    assert (caught.value.row, caught.value.remedy) == (row, remedy)
    assert caught.value.detail.isascii()  # whatever the bytes were


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory():
    with pytest.raises(BrokenFileError, match="more than a million characters"):
        read(b"x" * (3 * 2**20))


def test_a_file_is_named_after_its_folder(tmp_path):
    path = tmp_path / "checkout" / "latency_p99.csv"
    path.parent.mkdir()
    path.write_text("timestamp,value\n0,1\n")
    assert read_csv(path).series_id == "checkout/latency_p99"
    assert read_csv(path, service="cart").series_id == "cart/latency_p99"
    with pytest.raises(BrokenFileError, match="cannot be read"):
        read_csv(tmp_path / "checkout" / "gone.csv")


samples = st.lists(
    st.tuples(
        st.integers(-(10**15), 4 * 10**15),
        st.floats(allow_nan=False, allow_infinity=False, width=64),
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda sample: sample[0],
)


def written(rows: list[tuple[int, float]]) -> str:
    def stamp(moment_us: int) -> str:
        return str(np.datetime64(moment_us, "us")) + "Z"

    return "timestamp,value\n" + "".join(f"{stamp(at)},{value!r}\n" for at, value in rows)


@given(samples)
@settings(deadline=None)
def test_what_is_written_is_read_back(rows):
    reading = read(written(rows))
    assert list(zip(reading.times.tolist(), reading.values.tolist(), strict=True)) == sorted(rows)


@given(samples, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rows_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = read(written(rows)), read(written(shuffled))
    assert one.times.tolist() == other.times.tolist()
    assert one.values.tolist() == other.values.tolist()


@given(samples, st.integers(0, 10**6))
@settings(deadline=None)
def test_a_repeated_row_changes_nothing(rows, place):
    again = [*rows, rows[place % len(rows)]]
    assert read(written(again)).values.tolist() == read(written(rows)).values.tolist()


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_no_bytes_break_the_reader(data):
    try:
        reading = read(b"timestamp,value\n" + data)
    except BrokenFileError as error:
        assert error.remedy  # noqa: PT017  # either outcome is right, but never another error
    else:
        assert reading.report.samples > 0
