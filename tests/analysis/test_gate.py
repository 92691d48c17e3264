from __future__ import annotations

import json

import numpy as np
import pytest

from apps.analysis import gate
from apps.analysis.profiles import DEFAULT_SETTING, compile_signal
from apps.analysis.split import GENERAL_RULES, divide
from apps.analysis.types import Interval, Setting, Telemetry
from tests.analysis.makers import calm, noisy_series, series

pytestmark = pytest.mark.unit

LOOSE = Setting(theta=8.0)
DOWN = compile_signal("direction", "down")
NAME = "shop/latency"


@pytest.fixture(scope="module")
def noisy():
    return {NAME: noisy_series()}


def test_a_change_that_removes_false_alarms_passes(noisy):
    report = gate.evaluate(noisy, DOWN, default=LOOSE)
    assert report.verdict == "passed"
    assert report.passed
    assert (report.n_incidents, report.d_tp) == (3, 0)
    assert report.d_fp == -report.n_benign < -3
    assert report.d_utility == pytest.approx(-0.2 * report.d_fp)
    assert report.lam == 0.2
    assert (
        report.reason
        == f"Utility rises by {report.d_utility:.2f}, more than lambda (0.20), and no incident is lost."
    )


def test_a_change_that_loses_an_incident_fails_whatever_it_saves(noisy):
    report = gate.evaluate(noisy, compile_signal("direction", "up"), default=LOOSE)
    assert report.verdict == "failed"
    assert report.d_tp == -3
    assert report.reason == "It loses 3 detected incidents; none may be lost."


def test_a_change_that_does_nothing_fails(noisy):
    report = gate.evaluate(noisy, {}, default=LOOSE)
    assert (report.verdict, report.d_utility) == ("failed", 0.0)
    assert report.reason == "Utility rises by 0.00; it must rise by more than lambda (0.20)."


def test_a_gain_of_exactly_lambda_is_not_enough():
    values = calm(3000)
    values[[500, 700, 900]] += 60
    values[1100] += 25
    one: dict[str, tuple[Telemetry, list[Interval]]] = {NAME: (series(values), [])}
    kept = gate.evaluate(one, compile_signal("min_effect", {"abs": 30}), default=LOOSE)
    assert (kept.n_benign, kept.d_fp, kept.d_utility) == (4, -1, 0.2)
    assert kept.verdict == "failed"


def test_without_evidence_a_verdict_is_impossible():
    values = calm(2000)
    values[[500, 800]] += 60
    report = gate.evaluate({NAME: (series(values), [])}, DOWN, default=LOOSE)
    assert (report.verdict, report.n_incidents, report.n_benign) == ("impossible", 0, 2)
    assert report.reason.startswith("Too little evidence: 0 incidents and 2 benign alarms")


@pytest.mark.parametrize("rows", [0, 1])
def test_without_samples_a_verdict_is_impossible(rows):
    report = gate.evaluate({NAME: (series(np.zeros(rows)), [])}, DOWN)
    assert report.verdict == "impossible"
    assert gate.evaluate({}, DOWN).verdict == "impossible"


def test_a_threshold_is_not_raised_where_a_series_has_too_little_evidence(noisy):
    quiet = calm(2000)
    quiet[[500, 800]] += 60
    fleet = {**noisy, "shop/quiet": (series(quiet), [])}
    report = gate.evaluate(fleet, {**DOWN, **compile_signal("theta_scale", 0.5)}, default=LOOSE)
    assert report.verdict == "failed"
    assert "shop/quiet" in report.reason
    assert gate.evaluate(fleet, DOWN, default=LOOSE).verdict == "passed"


def test_a_change_is_judged_on_top_of_what_is_active(noisy):
    report = gate.evaluate(noisy, DOWN, active={NAME: DOWN}, default=LOOSE)
    assert (report.verdict, report.d_fp, report.n_benign) == ("failed", 0, 0)


def test_a_change_that_contradicts_what_is_active_is_no_change_to_replay(noisy):
    active = {NAME: compile_signal("hard_limit", {"lo": 10})}
    report = gate.evaluate(noisy, compile_signal("hard_limit", {"hi": 5}), active=active)
    assert report.verdict == "impossible"
    assert report.reason == f"It contradicts what is in force on {NAME}: hard_lo must be below hard_hi."
    assert report.series == {}


def test_the_held_out_slice_does_not_matter(noisy):
    telemetry, labels = noisy[NAME]
    split = divide(telemetry, labels, GENERAL_RULES)
    values = telemetry.values.copy()
    values[split.test.first :] = -1e6
    changed = gate.evaluate({NAME: (Telemetry(telemetry.times, values), labels)}, DOWN, default=LOOSE)
    assert changed.series == gate.evaluate(noisy, DOWN, default=LOOSE).series
    assert changed.series[NAME].end_us < labels[3].start_us


def test_the_report_is_json_with_its_slice_and_default(noisy):
    report = gate.evaluate(noisy, DOWN)
    found = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert found["lambda"] == 0.2
    assert found["default"]["theta"] == DEFAULT_SETTING.theta
    assert len(found["split_hash"]) == 64
    one = found["series"][NAME]
    assert one["start_us"] < one["end_us"]
    assert one["evidence"]["n_incidents"] == 3
    assert found["verdict"] in ("passed", "failed")


def test_a_column_out_of_range_is_refused(noisy):
    with pytest.raises(ValueError, match="theta_log2"):
        gate.evaluate(noisy, {"theta_log2": 99.0})
