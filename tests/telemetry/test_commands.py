from __future__ import annotations

import io
import json
import tarfile

import pytest
from django.core.management import CommandError, call_command

from apps.analysis.types import Interval
from apps.telemetry import reading
from apps.telemetry.models import ImportRun, OutcomeLabel, Sample, Series
from apps.telemetry.sources.csv_file import VALUE_REMEDY

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

GOOD = "timestamp,value\n0,1\n60,2\n"
HOUR = 3_600_000_000


def run(command: str, *args: object) -> tuple[str, str, str | None]:
    """What the command wrote to stdout and stderr, and the message of its failure."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(command, *map(str, args), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), None


def lay(folder, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_folder_is_imported_and_its_broken_file_leaves_nothing(tmp_path):
    lay(
        tmp_path,
        **{"cart__rps.csv": GOOD, "shop__bad.csv": GOOD + "120,x\n", "shop__good.csv": GOOD, "top.csv": GOOD},
    )
    out, err, failure = run("import_series", tmp_path, "--json")
    found = json.loads(out)
    assert (found["imported"], found["unchanged"], found["samples"]["added"]) == (2, 0, 4)
    assert found["broken"] == [
        {
            "file": str(tmp_path / "shop" / "bad.csv"),
            "row": 4,
            "column": "value",
            "text": "'x'",
            "problem": "not a number",
            "remedy": VALUE_REMEDY,
        }
    ]
    assert [skip["file"] for skip in found["skipped"]] == [str(tmp_path / "top.csv")]
    assert f"warning: left aside: {tmp_path / 'top.csv'}: at the top it belongs to no service" in err
    assert "bad.csv, row 4, column value: not a number, found 'x'." in err
    assert failure == "1 of 3 files are broken; nothing of them was kept."
    assert list(Series.objects.order_by("pk").values_list("pk", flat=True)) == ["cart/rps", "shop/good"]
    assert Sample.objects.count() == 4


def test_a_second_import_changes_nothing(tmp_path):
    lay(tmp_path, **{"cart__rps.csv": GOOD})
    assert run("import_series", tmp_path)[0] == "cart/rps: imported, 2 added, 0 changed, 0 as before\n"
    assert run("import_series", tmp_path)[0] == "cart/rps: unchanged, 0 added, 0 changed, 2 as before\n"
    assert ImportRun.objects.count() == 1


def test_one_file_with_zone_and_service(tmp_path):
    lay(tmp_path, **{"x__rps.csv": "timestamp,value\n1970-01-01 01:00,1\n"})
    out, _, failure = run(
        "import_series", tmp_path / "x" / "rps.csv", "--tz", "Europe/Berlin", "--service", "cart"
    )
    assert (out, failure) == ("cart/rps: imported, 1 added, 0 changed, 0 as before\n", None)
    assert reading.read("cart/rps").times.tolist() == [0]


def test_one_broken_file_fails_with_its_row(tmp_path):
    lay(tmp_path, **{"x__rps.csv": "timestamp,value\n0,1\n\x00,1\n"})
    _, _, failure = run("import_series", tmp_path / "x" / "rps.csv")
    assert "rps.csv, row 3: a NUL character" in str(failure)
    assert Series.objects.count() == Sample.objects.count() == 0


def test_a_place_that_is_not_there_fails(tmp_path):
    assert "cannot be read" in str(run("import_series", tmp_path / "gone")[2])
    assert "There is no series in" in str(run("import_series", tmp_path)[2])
    lay(tmp_path, **{"x__rps.csv": GOOD})
    assert "is no time zone" in str(run("import_series", tmp_path, "--tz", "Nowhere")[2])


def pack(path, members: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


WINDOWS = (
    '{"a/one.csv": [["1970-01-01 00:00:00.000000", "1970-01-01 01:00:00.000000"]],'
    ' "b/none.csv": [["1970-01-01 00:00:00.000000", "1970-01-01 01:00:00.000000"]]}'
)


def test_the_benchmark_comes_with_its_incidents(tmp_path):
    path = tmp_path / "nab.tar.gz"
    pack(path, {"data/a/one.csv": GOOD, "labels/combined_windows.json": WINDOWS})
    found = json.loads(run("import_series", path, "--nab", "--json")[0])
    assert found["labels"] == {"added": 1, "same": 0, "unknown_series": {"b/none": 1}}
    assert reading.labels("a/one") == [Interval(0, HOUR)]
    assert Series.objects.get().source == "nab"
    again = json.loads(run("import_series", path, "--nab", "--json")[0])
    assert (again["unchanged"], again["labels"]["added"], again["labels"]["same"]) == (1, 0, 1)


def test_an_archive_broken_at_its_end_leaves_nothing(tmp_path):
    path = tmp_path / "nab.tar.gz"
    pack(path, {"data/a/one.csv": GOOD, "../evil": "x"})
    assert "a member whose name leaves the archive" in str(run("import_series", path)[2])
    assert Series.objects.count() == 0


def test_incidents_are_imported_and_an_unknown_series_refuses_the_file(tmp_path):
    lay(tmp_path, **{"d__a__one.csv": GOOD, "i.csv": "series,start,end\na/one,0,3600\na/two,0,3600\n"})
    run("import_series", tmp_path / "d")
    assert "There is no series 'a/two'" in str(run("import_incidents", tmp_path / "i.csv")[2])
    assert OutcomeLabel.objects.count() == 0
    lay(tmp_path, **{"i.csv": "series,start,end\na/one,0,3600\n"})
    assert json.loads(run("import_incidents", tmp_path / "i.csv", "--json")[0]) == {
        "added": 1, "same": 0, "unknown_series": {},
    }  # fmt: skip
    assert run("import_incidents", tmp_path / "i.csv")[0] == "0 labels added, 1 as before\n"
    assert reading.labels("a/one") == [Interval(0, HOUR)]
