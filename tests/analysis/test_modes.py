"""Shares shrunk towards the fleet, and what symptoms add."""

from __future__ import annotations

import numpy as np
import pytest

from apps.analysis import modes

pytestmark = pytest.mark.unit


def test_shares_go_from_the_fleet_to_ones_own_as_reviews_come_in():
    fleet = modes.fleet_shares(np.array([30.0, 10.0, 0.0]))
    assert fleet.tolist() == pytest.approx([30.5 / 41.5, 10.5 / 41.5, 0.5 / 41.5])
    assert modes.shrunk_shares(np.zeros(3), fleet, 4).tolist() == pytest.approx(fleet.tolist())
    assert modes.shrunk_shares(np.array([0.0, 4.0, 0.0]), fleet, 4)[1] == pytest.approx(
        (4 + 4 * fleet[1]) / 8
    )
    assert modes.shrunk_shares(np.array([0.0, 4000.0, 0.0]), fleet, 4)[1] > 0.998


def test_a_symptom_speaks_for_modes_that_had_it_and_not_of_modes_without_reviews():
    ratios = modes.symptom_ratios(np.array([8.0, 0.0, 0.0]), np.array([10.0, 10.0, 0.0]), 2)
    share = 0.4
    assert ratios.tolist() == pytest.approx([(8 + 2 * share) / 12 / share, 2 * share / 12 / share, 1.0])
    assert modes.symptom_ratios(np.zeros(3), np.array([10.0, 10.0, 0.0]), 2).tolist() == [1.0, 1.0, 1.0]
    assert modes.symptom_ratios(np.zeros(2), np.zeros(2), 2).tolist() == [1.0, 1.0]


def test_chances_sum_to_one_and_symptoms_multiply():
    prior = np.array([0.5, 0.5])
    found = modes.posterior(prior, [np.array([3.0, 1.0]), np.array([2.0, 1.0])])
    assert found.tolist() == pytest.approx([6 / 7, 1 / 7])
    assert modes.posterior(prior, []).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: modes.fleet_shares(np.array([])),
        lambda: modes.fleet_shares(np.array([-1.0])),
        lambda: modes.shrunk_shares(np.ones(1), np.ones(1), 0),
        lambda: modes.symptom_ratios(np.array([2.0]), np.array([1.0]), 2),
        lambda: modes.posterior(np.array([0.0, 1.0]), []),
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"mode|weight|chance"):
        wrong()
