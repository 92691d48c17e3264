from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.analysis.rates import RatePrior, chance_within, fit_prior, smoothed_rates

pytestmark = pytest.mark.unit

COUNTS = st.lists(st.integers(0, 200), min_size=1, max_size=40).map(lambda found: np.array(found, np.int64))


def test_a_fleet_of_equals_shares_one_rate() -> None:
    counts = np.array([1, 1, 1, 1], np.int64)
    assert fit_prior(counts, 90) == RatePrior(4.5 / 360, math.inf)
    assert chance_within(counts, 90, 7) == pytest.approx([1 - math.exp(-4.5 / 360 * 7)] * 4)


def test_a_fleet_that_never_had_any_is_not_safe_for_ever() -> None:
    chances = chance_within(np.zeros(3, np.int64), 90, 7)
    assert chances == pytest.approx([1 - math.exp(-0.5 / 270 * 7)] * 3)
    assert (chances > 0).all()


def test_the_formula_by_hand() -> None:
    """Counts 0, 0, 12 in 10 days: mean 4, variance 48, so excess 44/100 over a rate of 12.5/30."""
    counts = np.array([0, 0, 12], np.int64)
    mean = 12.5 / 30
    shape = mean**2 / 0.44
    assert fit_prior(counts, 10).shape == pytest.approx(shape)
    rates = smoothed_rates(counts, 10, fit_prior(counts, 10))
    assert rates[0] == pytest.approx(shape / (shape / mean + 10))
    assert rates[2] == pytest.approx((shape + 12) / (shape / mean + 10))
    beyond = shape / mean + 10
    assert chance_within(counts, 10, 1)[2] == pytest.approx(1 - (beyond / (beyond + 1)) ** (shape + 12))


@given(COUNTS, st.floats(1, 1000), st.floats(0, 100))
def test_more_incidents_never_mean_less_risk(counts: np.ndarray, days: float, horizon: float) -> None:
    chances = chance_within(counts, days, horizon)
    assert ((chances >= 0) & (chances <= 1)).all()
    order = np.argsort(counts, kind="stable")
    assert (np.diff(chances[order]) >= -1e-12).all()
    assert (chance_within(counts, days, horizon + 1) >= chances).all()


@given(COUNTS.filter(lambda counts: counts.size > 1), st.floats(1, 1000))
def test_rates_lie_between_their_own_and_the_fleets(counts: np.ndarray, days: float) -> None:
    prior = fit_prior(counts, days)
    own, rates = counts / days, smoothed_rates(counts, days, prior)
    assert (rates >= np.minimum(own, prior.mean) - 1e-12).all()
    assert (rates <= np.maximum(own, prior.mean) + 1e-12).all()


def test_the_predicted_chance_is_the_share_that_comes_true() -> None:
    """Fleets drawn from the model itself: predicted and seen shares agree within four standard errors."""
    rng = np.random.default_rng(7)
    rates = rng.gamma(2.0, 0.02, size=20_000)
    counts = rng.poisson(rates * 90)
    seen = rng.poisson(rates * 7) > 0
    predicted = chance_within(counts, 90, 7)
    for low, high in ((0.0, 0.15), (0.15, 0.3), (0.3, 0.6)):
        these = (predicted >= low) & (predicted < high)
        error = math.sqrt(float(seen[these].var() / these.sum()))
        assert abs(predicted[these].mean() - seen[these].mean()) < 4 * error


@pytest.mark.parametrize(
    ("counts", "days"), [(np.array([], np.int64), 90), (np.array([1], np.int64), 0), (np.array([-1]), 90)]
)
def test_what_is_no_record_of_events(counts: np.ndarray, days: float) -> None:
    with pytest.raises(ValueError, match="counts of at least one"):
        fit_prior(counts, days)


def test_the_horizon_lies_ahead() -> None:
    with pytest.raises(ValueError, match="ahead"):
        chance_within(np.array([1], np.int64), 90, -1)
