from __future__ import annotations

import math

import numpy as np
import pytest

from apps.analysis import stats

pytestmark = pytest.mark.unit

RUNS = 1000


def test_the_sign_flip_is_exact_for_few_differences():
    assert stats.sign_flip_p([1.0, 2.0, 3.0]) == 2 / 8
    assert stats.sign_flip_p([1.0, 2.0, 3.0, 0.0, 0.0]) == 2 / 8
    assert stats.sign_flip_p([0.1, 0.2, -0.3]) == 1.0
    assert stats.sign_flip_p([1.0] * 12) == 2 / 4096
    assert stats.sign_flip_p([]) == 1.0
    assert stats.sign_flip_p([0.0, 0.0]) == 1.0


def test_the_sign_flip_draws_for_many_differences_the_same_every_time():
    differences = [0.5, -0.2, 0.9, 1.1, 0.3, -0.4, 0.8, 0.2, 0.6, 0.1, -0.1, 0.7, 0.4]
    exact = (
        np.abs((1.0 - 2.0 * (np.arange(2**13)[:, None] >> np.arange(13) & 1)) @ np.array(differences))
        >= abs(sum(differences)) - 1e-9
    )
    assert stats.sign_flip_p(differences) == stats.sign_flip_p(differences)
    assert stats.sign_flip_p(differences) == pytest.approx(float(exact.mean()), abs=0.005)
    assert stats.sign_flip_p([1.0] * 60) == 1 / 10_000


@pytest.mark.parametrize(("size", "draws"), [(8, 9_999), (12, 9_999), (20, 499)])
def test_the_sign_flip_rejects_a_true_null_in_at_most_7_percent(size, draws, monkeypatch):
    monkeypatch.setattr(
        stats, "DRAWS", draws
    )  # fewer draws keep 1,000 runs quick; the level does not depend on them
    rng = np.random.default_rng(size)
    rejected = sum(stats.sign_flip_p(rng.standard_t(3, size).tolist()) <= 0.05 for _ in range(RUNS))
    assert rejected / RUNS <= 0.07
    assert rejected / RUNS >= 0.02


def test_the_sign_flip_finds_an_effect_of_one_standard_deviation():
    rng = np.random.default_rng(1)
    found = sum(stats.sign_flip_p((1 + rng.standard_normal(12)).tolist()) <= 0.05 for _ in range(200))
    assert found / 200 >= 0.8


def test_the_t_interval_covers_the_truth():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(RUNS):
        interval = stats.t_interval((3 + rng.standard_normal(15)).tolist())
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 3 <= interval.high
    assert 0.93 <= covered / RUNS <= 0.97


def test_the_t_interval_is_that_of_the_book():
    interval = stats.t_interval([1.0, 2.0, 3.0, 4.0])
    half = 3.182446305284263 * math.sqrt(5 / 3) / 2
    assert interval.estimate == 2.5
    assert interval.low == pytest.approx(2.5 - half)
    assert interval.high == pytest.approx(2.5 + half)
    assert stats.t_interval([]) == stats.Estimate(None, None, None)
    assert stats.t_interval([4.0]) == stats.Estimate(4.0, None, None)


def test_the_log_ratio_bears_zeros():
    assert stats.log_ratio(0, 0) == 0.0
    assert stats.log_ratio(1, 3) == pytest.approx(math.log(1.5 / 3.5))
    assert stats.log_ratio(0, 3) < 0


def test_the_wilson_interval_is_that_of_the_book():
    interval = stats.wilson(8, 10)
    assert interval.estimate == 0.8
    assert interval.low == pytest.approx(0.490162, abs=1e-6)
    assert interval.high == pytest.approx(0.943318, abs=1e-6)
    assert stats.wilson(0, 5).low == 0.0
    assert stats.wilson(0, 0) == stats.Estimate(None, None, None)
