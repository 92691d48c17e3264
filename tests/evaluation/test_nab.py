"""The floors of the claim on the Numenta benchmark's real series: held-out slices only."""

from __future__ import annotations

import json
import time

import pytest

from apps.analysis.profiles import DEFAULT_SETTING
from apps.evaluation import inputs, misdealing, replay

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def found(data_dir):
    return inputs.from_archive(data_dir / "nab" / "nab-real.tar.gz")


@pytest.fixture(scope="module")
def run(found):
    study = replay.prepare(found)
    lessons = replay.learn(study)
    return study, lessons, replay.report(study, lessons, lessons.vectors)


def test_the_split_has_the_incidents_of_the_protocol(run):
    study, _, figures = run
    assert len(study.cases) == 47
    assert sum(len(case.split.train.incidents) for case in study.cases.values()) == 60
    assert figures["arms"]["default"]["incidents"] == 49
    assert figures["lambda"] == 0.1
    assert figures["arms"]["default"]["monitored_days"] == pytest.approx(874, abs=1)


def test_the_default_arm_reaches_its_floor(run):
    default = run[2]["arms"]["default"]
    assert default["f1"] >= 0.16
    assert default["false_alarms_per_day"] <= 0.35


def test_insights_cut_false_alarms_and_keep_recall(run):
    arms = run[2]["arms"]
    assert arms["insights"]["false_alarms"] <= 0.60 * arms["default"]["false_alarms"]
    assert arms["insights"]["recall"] >= arms["default"]["recall"] - 0.05
    assert arms["insights"]["utility"] > arms["threshold_only"]["utility"]
    assert arms["insights"]["f1"] >= 0.28
    assert run[2]["series_log_ratio"]["high"] < 0
    assert run[2]["sign_flip_p"] < 0.05


def test_insights_of_others_harm_blindly_and_not_behind_the_gate(run):
    study, lessons, _ = run
    found = misdealing.deal(study, lessons, deals=20)
    assert found["adopted_share"] > 0
    assert found["ungated_mean_utility"] < found["gated_mean_utility"]
    assert found["not_worse_than_default"] >= 18


def test_the_documented_default_is_what_the_training_slices_give(run):
    assert run[1].default == DEFAULT_SETTING


def test_a_second_run_gives_the_same_bytes(found, run):
    started = time.process_time()  # of this process: the machine may be busy
    study = replay.prepare(found)
    lessons = replay.learn(study)
    again = replay.report(study, lessons, lessons.vectors)
    assert json.dumps(again) == json.dumps(run[2])
    assert json.dumps(lessons.vectors) == json.dumps(run[1].vectors)
    assert time.process_time() - started < 60
