from __future__ import annotations

import pytest

from apps.analysis.split import GENERAL_RULES
from apps.evaluation import inputs, replay

pytestmark = pytest.mark.unit


def test_a_folder_and_a_list_of_incidents_make_a_replay(tmp_path):
    folder = tmp_path / "series" / "shop"
    folder.mkdir(parents=True)
    rows = [f"2024-01-{1 + i // 24:02d} {i % 24:02d}:00:00,{100 + i % 5}" for i in range(480)]
    (folder / "latency.csv").write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    labels = tmp_path / "incidents.csv"
    labels.write_text(
        "series,start,end\n"
        "shop/latency,2024-01-05 00:00:00,2024-01-05 02:00:00\n"
        "shop/latency,2024-01-15 00:00:00,2024-01-15 02:00:00\n"
        "shop/elsewhere,2024-01-15 00:00:00,2024-01-15 02:00:00\n"
    )
    found = inputs.from_folder(tmp_path / "series", labels)
    assert list(found.series) == ["shop/latency"]
    assert len(found.series["shop/latency"]) == 480
    assert len(found.incidents["shop/latency"]) == 2
    assert found.rules == GENERAL_RULES
    assert found.unknown == ("shop/elsewhere",)
    study = replay.prepare(found)
    lessons = replay.learn(study)
    figures = replay.report(study, lessons, lessons.vectors)
    assert figures["lambda"] == 0.2
    assert figures["arms"]["default"]["incidents"] == 1


def test_files_that_are_no_series_by_their_place_are_told(tmp_path):
    for path in (tmp_path / "shop" / "latency.csv", tmp_path / "a" / "b" / "c.csv", tmp_path / "top.csv"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("timestamp,value\n0,1\n60,2\n")
    labels = tmp_path / "incidents.csv"
    labels.write_text("series,start,end\nshop/latency,0,60\n")
    deep, top = inputs.from_folder(tmp_path, labels).skipped
    assert deep == f"{tmp_path}/a/b/c.csv: too deep: only folder/file.csv makes a series"
    assert top.startswith(f"{tmp_path}/top.csv: at the top it belongs to no service: move it")
