"""The replay command as people run it: on the benchmark, and on series of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.blackbox.installation import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

ARM = {
    "incidents", "detected", "recall", "false_alarms", "monitored_days", "false_alarms_per_day", "precision",
    "f1", "utility", "median_delay_s",
}  # fmt: skip
KEYS = {
    "arms",
    "series_log_ratio",
    "sign_flip_p",
    "lambda",
    "split_hash",
    "release",
    "features_read",
    "via",
    "seconds",
}


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "replay", *map(str, arguments), "--json"]
    return subprocess.run(
        command, cwd=CHECKOUT, env=os.environ, capture_output=True, text=True, timeout=280, check=False
    )


def replay(*arguments: str | Path, fails: bool = False) -> Any:
    done = run(*arguments)
    if fails:
        assert done.returncode != 0
        return done.stderr
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def without(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in keys}


def write(folder: Path, *, incidents: int = 4) -> Path:
    """Three hourly series of two services, noisy, with labelled plunges and unlabelled bumps."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    dice = np.random.default_rng(3)
    rows = ["series,start,end"]
    for name in ("shop one/latency", "shop one/errors (5xx)", "cart/orders"):
        values = 50 + dice.normal(0, 1, 24 * 60)
        for number in range(incidents):
            first = 200 + number * 300
            values[first : first + 5] = 5
            begin = start + timedelta(hours=first)
            rows.append(f"{name},{begin.isoformat()},{(begin + timedelta(hours=5)).isoformat()}")
        for number in range(8):
            values[100 + number * 160] = 80
        path = folder / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        moments = [
            (start + timedelta(hours=hour)).strftime("%Y-%m-%d %H:%M:%S") for hour in range(len(values))
        ]
        path.write_text(
            "timestamp,value\n" + "\n".join(f"{m},{v}" for m, v in zip(moments, values, strict=True))
        )
    labels = folder.with_suffix(".csv")
    labels.write_text("\n".join(rows) + "\n")
    return labels


@pytest.mark.data
@pytest.mark.timeout(600)
def test_the_benchmark_gives_the_same_figures_through_the_store_and_directly(data_dir):
    archive = data_dir / "nab" / "nab-real.tar.gz"
    stored, direct = replay("--nab", archive), replay("--nab", archive, "--direct")
    assert set(stored) == KEYS
    assert all(set(arm) == ARM for arm in stored["arms"].values())
    assert (stored["via"], direct["via"]) == ("feast", "direct")
    assert (stored["release"], stored["features_read"] > 200) == (1, True)
    differing = ("seconds", "via", "release", "features_read")
    assert without(stored, *differing) == without(direct, *differing)
    default, threshold, insights = (
        stored["arms"][name] for name in ("default", "threshold_only", "insights")
    )
    assert default["f1"] >= 0.16
    assert default["false_alarms_per_day"] <= 0.35
    assert insights["false_alarms"] <= 0.60 * default["false_alarms"]
    assert insights["recall"] >= default["recall"] - 0.05
    assert insights["utility"] > threshold["utility"]


@pytest.mark.api
def test_other_peoples_series_go_the_same_way_and_twice_alike(tmp_path):
    labels = write(tmp_path / "theirs")
    arguments = ("--series", tmp_path / "theirs", "--incidents", labels)
    one, two = replay(*arguments), replay(*arguments)
    assert without(one, "seconds") == without(two, "seconds")
    assert (one["via"], one["lambda"]) == ("feast", 0.2)
    assert one["arms"]["insights"]["incidents"] == 6
    assert one["arms"]["insights"]["false_alarms"] <= one["arms"]["default"]["false_alarms"]


@pytest.mark.api
def test_insights_of_others_are_dealt_on_request(tmp_path):
    labels = write(tmp_path / "theirs")
    arguments = ("--series", tmp_path / "theirs", "--incidents", labels, "--direct")
    found = replay(*arguments, "--wrong-insights", "3")
    assert set(found) == KEYS | {"wrong_insights"}
    assert found["wrong_insights"]["deals"] == 3
    assert "from 1 to 1,000" in replay(*arguments, "--wrong-insights", "0", fails=True)
    assert "from 1 to 1,000" in replay(*arguments, "--wrong-insights", "many", fails=True)


@pytest.mark.api
def test_a_broken_file_is_named_with_its_row(tmp_path):
    labels = write(tmp_path / "theirs")
    broken = tmp_path / "theirs" / "cart" / "orders.csv"
    broken.write_text(broken.read_text().replace("\n", "\nnot a time,3\n", 1))
    said = replay("--series", tmp_path / "theirs", "--incidents", labels, fails=True)
    assert "orders.csv" in said
    assert "row 2" in said or "line 2" in said
    assert "Traceback" not in said


@pytest.mark.api
def test_files_that_are_left_aside_are_told_and_the_answer_stays_json(tmp_path):
    labels = write(tmp_path / "theirs")
    top = tmp_path / "theirs" / "top.csv"
    top.write_text("timestamp,value\n0,1\n")
    done = run("--series", top.parent, "--incidents", labels, "--direct")
    assert json.loads(done.stdout)["via"] == "direct"
    assert f"warning: left aside: {top}: at the top it belongs to no service" in done.stderr


@pytest.mark.api
def test_half_an_instruction_is_refused(tmp_path):
    assert "--incidents" in replay("--series", tmp_path, fails=True)
