"""Average precision and its comparison by blocks: exact values, and how often it errs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from apps.analysis import ranking

pytestmark = pytest.mark.unit


def test_average_precision_by_hand_and_as_scikit_learn_has_it():
    labels = np.array([True, False, True, False])
    assert ranking.average_precision(labels, np.array([4.0, 3.0, 2.0, 1.0])) == pytest.approx((1 + 2 / 3) / 2)
    assert ranking.average_precision(labels, np.ones(4)) == 0.5  # equal scores count together
    assert ranking.average_precision(np.zeros(3, dtype=bool), np.ones(3)) is None
    rng = np.random.default_rng(1)
    for _ in range(50):
        some = rng.random(200) < 0.2
        scores = rng.integers(0, 30, 200).astype(float)
        assert ranking.average_precision(some, scores) == pytest.approx(average_precision_score(some, scores))


@pytest.mark.parametrize("scores", [np.ones(2), np.array([1.0, np.nan, 2.0])])
def test_a_finite_score_for_each_is_needed(scores):
    with pytest.raises(ValueError, match="finite score"):
        ranking.average_precision(np.array([True, False, True]), scores)


def drawn(rng: np.random.Generator, services: int, gain: float) -> ranking.Comparison:
    """Two rankings of alerts of unlike services; `gain` is how much more the first one knows."""
    level = np.repeat(rng.normal(0, 1, services), 30)
    truth = level + rng.normal(0, 1, level.size)
    labels = truth + rng.normal(0, 1, level.size) > 1.2
    shared = np.repeat(rng.normal(0, 0.6, (2, services)), 30, axis=1)  # mistakes that a service has in common
    first = (1 + gain) * truth + shared[0] + rng.normal(0, 1, level.size)
    second = truth + shared[1] + rng.normal(0, 1, level.size)
    return ranking.compare(labels, first, second, np.repeat(np.arange(services).astype(str), 30))


def test_without_a_difference_it_seldom_finds_one_and_finds_one_that_is_there():
    rng = np.random.default_rng(20)
    null = [drawn(rng, 20, 0.0) for _ in range(1000)]
    wrong = sum(one.verdict != "no_evidence" for one in null) / len(null)
    promoted = sum(one.verdict == "improved" for one in null) / len(null)
    assert 0.02 <= wrong <= 0.08
    assert promoted <= 0.045
    found = [drawn(rng, 30, 1.5) for _ in range(200)]
    assert sum(one.verdict == "improved" for one in found) >= 0.8 * len(found)


def test_few_services_or_incidents_are_too_few_data():
    rng = np.random.default_rng(3)
    few = drawn(rng, 11, 1.5)
    assert (few.verdict, few.blocks, few.low) == ("too_few_data", 11, None)
    labels = np.zeros(60, dtype=bool)
    scores = np.arange(60.0)
    blocks = np.repeat(np.arange(20).astype(str), 3)
    assert ranking.compare(labels, scores, -scores, blocks).first is None
    labels[-19:] = True
    assert ranking.compare(labels, scores, -scores, blocks).verdict == "too_few_data"
    labels[-20:] = True
    assert ranking.compare(labels, scores, -scores, blocks).verdict == "improved"
    assert ranking.compare(labels, -scores, scores, blocks).verdict == "worse"
