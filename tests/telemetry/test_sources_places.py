from __future__ import annotations

import io
import tarfile

import pytest

from apps.analysis.types import Interval
from apps.common.errors import InvalidInputError
from apps.telemetry.sources import (
    BrokenFileError,
    Label,
    SeriesNameError,
    archive,
    incidents_by_series,
    iter_folder,
    list_folder,
    metric_family,
    parse_windows,
    read_archive,
    read_folder,
    read_incident_csv,
    read_nab_windows,
    series_id,
    split_series_id,
)

pytestmark = pytest.mark.unit

GOOD = "timestamp,value\n0,1\n60,2\n"
T0 = 1_767_225_600_000_000


def lay(folder, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def pack(path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


# --- folders ------------------------------------------------------------------------------------
def test_folder_and_file_name_the_series(tmp_path):
    lay(tmp_path, **{"cart__rps.csv": GOOD, "checkout__latency p99.CSV": GOOD, "checkout__notes.txt": "x"})
    lay(tmp_path, **{".git__x.csv": GOOD, "cart__._rps.csv": "junk"})
    assert [reading.series_id for reading in read_folder(tmp_path).series] == [
        "cart/rps",
        "checkout/latency p99",
    ]


def test_a_service_may_be_a_linked_folder(tmp_path):
    lay(tmp_path, **{"elsewhere__cart__rps.csv": GOOD, "shop__x__y.csv": GOOD})
    (tmp_path / "shop" / "cart").symlink_to(tmp_path / "elsewhere" / "cart")
    assert [reading.series_id for reading in read_folder(tmp_path / "shop").series] == ["cart/rps", "x/y"]


def test_files_at_the_top_and_deeper_ones_are_left_aside_and_named(tmp_path):
    lay(tmp_path, **{"cart__rps.csv": GOOD, "incidents.csv": "series,start,end\n", "a__b__c.csv": GOOD})
    listing = list_folder(tmp_path)
    assert [path.name for path in listing.paths] == ["rps.csv"]
    assert [
        (skip.file.removeprefix(str(tmp_path)), skip.reason.split(":")[0]) for skip in listing.skipped
    ] == [
        ("/a/b/c.csv", "too deep"),
        ("/incidents.csv", "at the top it belongs to no service"),
    ]
    assert read_folder(tmp_path).skipped == listing.skipped


def test_a_service_given_takes_the_files_at_the_top(tmp_path):
    lay(tmp_path, **{"rps.csv": GOOD, "other__x.csv": GOOD})
    assert [reading.series_id for reading in read_folder(tmp_path, service="cart").series] == ["cart/rps"]


def test_a_folder_without_series_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="There is no series in"):
        list_folder(tmp_path)
    with pytest.raises(InvalidInputError, match="is not a folder"):
        list_folder(tmp_path / "gone")
    lay(tmp_path, **{"rps.csv": GOOD})
    with pytest.raises(InvalidInputError, match="It holds 1 CSV files elsewhere: at the top"):
        list_folder(tmp_path)


def test_a_broken_file_does_not_stop_the_others_and_refuses_the_whole_reading(tmp_path):
    lay(
        tmp_path,
        **{
            "a__one.csv": GOOD,
            "a__two.csv": "timestamp,value\n0,x\n",
            "b__three.csv": "",
            "c__four.csv": GOOD,
        },
    )
    readings = list(iter_folder(tmp_path))
    assert [type(reading).__name__ for reading in readings] == [
        "SeriesFile", "BrokenFileError", "BrokenFileError", "SeriesFile",
    ]  # fmt: skip
    with pytest.raises(BrokenFileError, match=r"two\.csv, row 2, column value.*Broken as well: .*three\.csv"):
        read_folder(tmp_path)


def test_two_files_of_one_series_are_refused(tmp_path):
    lay(tmp_path, **{"a__one.csv": GOOD, "a__one.CSV": GOOD})
    with pytest.raises(BrokenFileError, match="it is the series a/one, and so is"):
        read_folder(tmp_path)


# --- names --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("orders", "no slash"),
        ("/orders", "the service is empty"),
        ("shop/", "the metric is empty"),
        ("shop/a/b", "the metric holds the character '/'"),
        ("shop/a\x00b", r"the metric holds the character '\\x00'"),
        ("shop/a\nb", r"the metric holds the character '\\n'"),
        ("shop/a\u202eb", r"the metric holds the character '\\u202e'"),
        ("shop/\ud800", r"the metric holds the character '\\ud800'"),
        ("shop/a\\b", "the metric holds the character"),
        ("../x", "the service is a dot"),
        (" shop/x", "the service begins or ends with a space"),
        ("s" * 81 + "/x", "the service has more than 80 characters"),
        ("s/" + "x" * 120, "the metric has more than 119 characters"),
    ],
)
def test_an_odd_name_is_refused(text, says):
    with pytest.raises(SeriesNameError, match=says) as caught:
        split_series_id(text)
    assert caught.value.detail.isascii()


def test_names_are_composed():
    assert series_id("café", "u\u0308ber") == "café/über"


@pytest.mark.parametrize(
    ("metric", "family"),
    [
        ("ec2_cpu_utilization_24ae8d", "ec_cpu_utilization"),
        ("ec2_cpu_utilization_825cc2", "ec_cpu_utilization"),
        ("latency_p99", "latency_p"),
        ("orders", "orders"),
        ("requests-2", "requests"),
        ("6005", "6005"),
        ("exchange-2_cpc_results", "exchange_cpc_results"),
        ("facade_feedbeef", "facade_feedbeef"),
    ],
)
def test_a_family_is_the_metric_without_digits_and_hashes(metric, family):
    assert metric_family(metric) == family


# --- the archive --------------------------------------------------------------------------------
WINDOWS = b'{"a/one.csv": [["2026-01-01 00:00:00.000000", "2026-01-01 01:00:00.000000"]], "b/two.csv": []}'


def test_an_archive_gives_its_series_and_windows(tmp_path):
    path = tmp_path / "nab.tar.gz"
    members = {
        "./data/b/two.csv": GOOD,
        "data/a/one.csv": GOOD,
        "data/README.md": "x",
        "other/a/x.csv": "junk",
    }
    pack(
        path,
        {name: text.encode() for name, text in members.items()} | {"labels/combined_windows.json": WINDOWS},
    )
    assert [reading.series_id for reading in read_archive(path)] == ["a/one", "b/two"]
    assert read_nab_windows(path) == {"a/one": [Interval(T0, T0 + 3_600_000_000)], "b/two": []}


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "data/../../x.csv", "data\\a\\x.csv"])
def test_an_archive_with_a_name_that_leaves_it_is_refused(tmp_path, name):
    pack(tmp_path / "x.tar.gz", {"data/a/one.csv": GOOD.encode(), name: GOOD.encode()})
    with pytest.raises(BrokenFileError, match="a member whose name leaves the archive"):
        read_archive(tmp_path / "x.tar.gz")


def test_links_in_an_archive_are_not_followed(tmp_path):
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("data/a/one.csv")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(BrokenFileError, match="no series in it"):
        read_archive(tmp_path / "x.tar.gz")


def test_an_archive_that_unpacks_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_TOTAL", 2**20)
    pack(tmp_path / "x.tar.gz", {f"data/a/{n}.csv": b"0" * 2**19 for n in range(4)})
    with pytest.raises(BrokenFileError, match="unpacks to more than"):
        read_archive(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("keep", [0, 10, 60])
def test_half_an_archive_is_refused(tmp_path, keep):
    pack(tmp_path / "x.tar.gz", {"data/a/one.csv": GOOD.encode()})
    whole = (tmp_path / "x.tar.gz").read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(whole[:keep])
    with pytest.raises(BrokenFileError, match="not a readable archive"):
        read_archive(tmp_path / "x.tar.gz")


# --- labels -------------------------------------------------------------------------------------
def test_incidents_are_read_from_csv(tmp_path):
    path = tmp_path / "incidents.csv"
    path.write_text(
        "series,start,end,kind\n"
        "a/one,2026-01-01T02:00:00Z,2026-01-01T03:00:00Z,\n"
        "a/one,1767225600,1767229200,incident\n"
        "a/one,1767225600,1767229200,incident\n"
        "b/two,2026-01-01,2026-01-01,benign\n"
    )
    hour = 3_600_000_000
    labels = read_incident_csv(path)
    assert labels == [
        Label("a/one", Interval(T0 + 2 * hour, T0 + 3 * hour)),
        Label("a/one", Interval(T0, T0 + hour)),
        Label("b/two", Interval(T0, T0), "benign"),
    ]
    assert incidents_by_series(labels) == {
        "a/one": [Interval(T0, T0 + hour), Interval(T0 + 2 * hour, T0 + 3 * hour)]
    }


@pytest.mark.parametrize(
    ("row", "column", "says"),
    [
        ("a/one,2026-01-02,2026-01-01,", "end", "the end is before the start"),
        ("a/one,2026-01-02,,", "end", "not a timestamp"),
        ("one,2026-01-01,2026-01-02,", "series", "not a series id"),
        ("a/one,2026-01-01,2026-01-02,drill", "kind", "no kind of label"),
    ],
)
def test_a_broken_label_is_named_by_row(tmp_path, row, column, says):
    (tmp_path / "x.csv").write_text(f"series,start,end,kind\na/one,2026-01-01,2026-01-02,\n{row}\n")
    with pytest.raises(BrokenFileError, match=says) as caught:
        read_incident_csv(tmp_path / "x.csv")
    assert (caught.value.row, caught.value.column) == (3, column)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object of series"),
        (b'{"a/one.csv": {}}', "not a list of windows"),
        (b'{"a/one.csv": [["2026-01-01"]]}', "not a window"),
        (b'{"a/one.csv": [["2026-01-02", "2026-01-01"]]}', "the end is before the start"),
        (b'{"one": []}', "not a series id"),
    ],
)
def test_broken_windows_are_refused(data, says):
    with pytest.raises(BrokenFileError, match=says):
        parse_windows(data, file="windows.json")
