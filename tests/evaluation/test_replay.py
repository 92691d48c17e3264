from __future__ import annotations

import json

import numpy as np
import pytest

from apps.analysis.accounting import Counts
from apps.analysis.profiles import VECTOR
from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import DAY_US, HOUR_US, MINUTE_US, Interval, Telemetry
from apps.evaluation import replay
from apps.evaluation.inputs import Inputs
from tests.analysis.makers import START_US, calm, noisy_series, series

pytestmark = pytest.mark.unit

ARM_KEYS = (
    "incidents detected recall false_alarms monitored_days false_alarms_per_day precision f1 utility"
    " median_delay_s"
)


def inputs_of(found):
    return Inputs(
        series={name: telemetry for name, (telemetry, _) in found.items()},
        incidents={name: labels for name, (_, labels) in found.items()},
        rules=GENERAL_RULES,
    )


def run(found, *, through=lambda vectors: vectors):
    study = replay.prepare(inputs_of(found))
    lessons = replay.learn(study)
    return replay.report(study, lessons, through(lessons.vectors))


def check(figures):
    """The shape of the report, and JSON without NaN."""
    json.dumps(figures, allow_nan=False)
    assert set(figures) == {"arms", "series_log_ratio", "sign_flip_p", "lambda", "split_hash"}
    assert set(figures["arms"]) == {"default", "threshold_only", "insights"}
    assert all(" ".join(arm) == ARM_KEYS for arm in figures["arms"].values())
    assert len({(arm["incidents"], arm["monitored_days"]) for arm in figures["arms"].values()}) == 1
    assert set(figures["series_log_ratio"]) == {"estimate", "low", "high"}
    return figures


def burdened(seed, benign_up):
    """A series whose false alarms are long, on one side, while its incidents lie on the other side."""
    rng = np.random.default_rng(seed)
    rows = 30 * 288
    values = calm(rows, seed=seed)
    sign = 1 if benign_up else -1
    labels = []
    for position in np.linspace(4 * 288, rows - 288, 8).astype(int):
        values[position : position + 12] -= sign * 30
        labels.append(
            Interval(
                int(START_US + position * 5 * MINUTE_US), int(START_US + (position + 11) * 5 * MINUTE_US)
            )
        )
    for position in rng.integers(2 * 288, rows - 20, 25):
        if all(abs(START_US + position * 5 * MINUTE_US - label.start_us) > 10 * HOUR_US for label in labels):
            values[position : position + 12] += sign * 30
    return series(values), labels


@pytest.fixture(scope="module")
def fleet():
    return {f"svc{seed}/m": burdened(seed, benign_up=seed % 2 == 0) for seed in range(6)}


@pytest.fixture(scope="module")
def figures(fleet):
    return check(run(fleet))


def test_insights_tell_series_apart_that_one_setting_cannot(figures):
    arms = figures["arms"]
    assert arms["default"]["incidents"] == 24
    assert arms["default"]["false_alarms"] > 20
    assert arms["insights"]["false_alarms"] <= 2
    assert arms["insights"]["recall"] >= arms["default"]["recall"]
    assert arms["insights"]["utility"] > arms["threshold_only"]["utility"]


def test_the_report_rests_on_the_vectors_it_is_given(fleet):
    study = replay.prepare(inputs_of(fleet))
    without = replay.report(study, replay.learn(study), {})
    assert without["arms"]["insights"] == without["arms"]["default"]
    assert without["series_log_ratio"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    assert without["sign_flip_p"] == 1.0


def test_a_round_trip_through_full_rows_of_json_changes_nothing(fleet, figures):
    def store(vectors):
        rows = {
            name: {column: vector.get(column) for column, _ in VECTOR} for name, vector in vectors.items()
        }
        for row in rows.values():
            row |= {
                "status": "active",
                "release": 1,
                "version": 1,
                "known_at_iso": "2024-01-01T00:00:00+00:00",
            }
        return json.loads(json.dumps(rows))

    assert run(fleet, through=store) == figures


def test_two_runs_give_the_same_bytes_whatever_the_order_of_series(fleet, figures):
    assert json.dumps(run(dict(reversed(fleet.items())))) == json.dumps(figures)


def test_incidents_drawn_at_random_teach_nothing(fleet, figures):
    rng = np.random.default_rng(11)
    shuffled = {}
    for name, (telemetry, labels) in fleet.items():
        starts = rng.choice(np.arange(600, len(telemetry) - 300), size=len(labels), replace=False)
        moved = [Interval(int(telemetry.times[s]), int(telemetry.times[s + 11])) for s in sorted(starts)]
        shuffled[name] = (telemetry, moved)
    random = check(run(shuffled))
    arms = random["arms"]
    assert arms["insights"]["recall"] <= 0.2
    assert arms["insights"]["utility"] <= 1
    assert figures["arms"]["insights"]["utility"] >= 20
    assert random["split_hash"] != figures["split_hash"]


@pytest.mark.parametrize(
    ("cadence_us", "rows"), [(MINUTE_US, 6000), (HOUR_US, 1500), (DAY_US, 500)], ids=["minute", "hour", "day"]
)
def test_every_cadence_runs_and_clear_incidents_are_found(cadence_us, rows):
    found = {}
    for seed in range(3):
        values = calm(rows, seed=seed)
        labels = []
        for position in np.linspace(rows // 4, rows - 50, 6).astype(int):
            values[position : position + 8] += 40
            start = int(START_US + position * cadence_us)
            labels.append(Interval(start, start + 7 * cadence_us))
        found[f"svc{seed}/m"] = (series(values, cadence_us=cadence_us), labels)
    arms = check(run(found))["arms"]
    assert arms["insights"]["recall"] == 1.0
    assert arms["insights"]["incidents"] == 9
    assert arms["insights"]["false_alarms"] == 0


def test_a_fleet_without_incidents_has_no_recall_and_keeps_quiet():
    arms = check(run({f"svc{seed}/m": (series(calm(2000, seed=seed)), []) for seed in range(3)}))["arms"]
    for arm in arms.values():
        assert (arm["incidents"], arm["recall"], arm["f1"], arm["median_delay_s"]) == (0, None, None, None)
        assert arm["false_alarms"] == 0
        assert arm["precision"] is None


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"a/b": (series([]), [])},
        {"a/b": (series([1.0]), [Interval(START_US, START_US)])},
        {"a/b": (series([1.0, 2.0, 3.0, 2.0, 1.0]), [Interval(START_US, START_US + HOUR_US)])},
        {"a/b": (series(np.zeros(3000)), [Interval(START_US + DAY_US, START_US + 2 * DAY_US)])},
        {"a/b": (series(np.full(500, np.nan)), [])},
        {
            "a/b": (
                series(np.tile([0.0, 1e308, -1e308, np.inf], 500)),
                [Interval(START_US, START_US + DAY_US)],
            )
        },
        {"a/b": noisy_series(incidents=1), "c/d": (series(np.zeros(5)), [])},
    ],
    ids=["nothing", "empty", "one sample", "five samples", "constant", "gaps", "absurd", "one incident"],
)
def test_odd_inputs_give_null_and_not_a_crash(found):
    check(run(found))


def test_incidents_in_gaps_and_beyond_the_series_do_no_harm():
    telemetry, labels = noisy_series()
    keep = np.ones(len(telemetry), dtype=bool)
    hole = slice(4000, 4600)
    keep[hole] = False
    in_gap = Interval(int(telemetry.times[4200]), int(telemetry.times[4300]))
    overlapping = Interval(int(telemetry.times[4590]), int(telemetry.times[4610]))
    beyond = Interval(int(telemetry.times[-1]) + DAY_US, int(telemetry.times[-1]) + 2 * DAY_US)
    gappy = Telemetry(telemetry.times[keep], telemetry.values[keep])
    figures = check(run({"a/b": (gappy, [*labels, in_gap, overlapping, beyond])}))
    assert 3 <= figures["arms"]["default"]["incidents"] <= 6


def test_progress_is_told_for_each_phase(fleet):
    told = []
    study = replay.prepare(inputs_of(fleet), progress=lambda *said: told.append(said))
    lessons = replay.learn(study, progress=lambda *said: told.append(said))
    replay.report(study, lessons, lessons.vectors, progress=lambda *said: told.append(said))
    assert [said for said in told if said[1] == 6] == [("prepare", 6, 6), ("learn", 6, 6), ("judge", 6, 6)]
    assert len(told) == 18


def test_the_figures_of_one_arm_follow_from_its_counts():
    counts = Counts(4, 3, 7, 20 * DAY_US, (60.0, 120.0, 600.0), (900.0,))
    assert replay.figures(counts, 0.2) == {
        "incidents": 4,
        "detected": 3,
        "recall": 0.75,
        "false_alarms": 7,
        "monitored_days": 20.0,
        "false_alarms_per_day": 0.35,
        "precision": 0.3,
        "f1": 0.428571,
        "utility": 1.6,
        "median_delay_s": 120.0,
    }
