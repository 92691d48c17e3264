"""The benchmark still measures what it says, with few points."""

from __future__ import annotations

import pytest

from apps.analysis.split import GENERAL_RULES
from apps.evaluation import jobs
from tests.benchmarks import replay as benchmark

pytestmark = pytest.mark.unit


def test_one_process_measures_every_phase_on_all_points(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    told: list[str] = []
    found = benchmark.one_process(30_000, 1, told.append)
    assert (found["points"], found["series"]) == (30_000, 2)
    assert set(found["points_per_second"]) <= set(benchmark.LABELS)
    assert {"read", "z_score", "default_arm", "count", "learn", "judge"} <= set(found["points_per_second"])
    rates, slower = found["points_per_second"], found["times_slower_than_reading"]
    assert slower["read"] == 1
    assert slower["all_arms"] == pytest.approx(rates["read"] / rates["all_arms"])
    assert 1 / rates["all_arms"] == pytest.approx(
        sum(1 / rates[name] for name in ("count", "learn", "weigh", "judge") if name in rates)
    )
    assert found["peak_ratio"] >= 1
    assert found["arms"]["default"]["incidents"] > 0
    assert any("30,000 points, 2 series" in line for line in told)
    assert list((tmp_path / "replays").iterdir()) == [], "generated series were left behind"


def test_the_same_seed_generates_the_same_points(settings, tmp_path):
    settings.DATA_FOLDER = tmp_path
    first, second = (
        jobs.make(benchmark.generated(45_000, 7), GENERAL_RULES, chunk_points=20_000) for _ in "ab"
    )
    assert first.points == 45_000
    assert first.manifest == second.manifest
    assert (benchmark.read(first) == benchmark.read(second)).all()
    assert benchmark.read(first).size == 45_000
