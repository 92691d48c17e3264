"""Durations: known answers, what must not matter, and what must be refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from apps.analysis import durations, effects, logrank
from apps.analysis.durations import Durations

pytestmark = pytest.mark.unit
# Weeks of remission under 6-MP and placebo, 21 patients each: E. J. Freireich et al., Blood 21 (1963).
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
TREATED_ENDED = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
sides = st.lists(st.floats(60, 1e6), min_size=12, max_size=25)


def ended(seconds: list[float]) -> Durations:
    return Durations(np.array(seconds), np.ones(len(seconds), dtype=bool))


def some_open(seconds: list[float], every: int = 4) -> Durations:
    return Durations(np.array(seconds), np.arange(len(seconds)) % every != 0)


def freireich() -> tuple[Durations, Durations]:
    weeks = 7 * 86_400.0
    placebo = ended([weeks * week for week in PLACEBO])
    return placebo, Durations(weeks * np.array(TREATED), np.array(TREATED_ENDED))


def test_the_log_rank_test_of_the_remission_trial_is_the_published_one() -> None:
    before, after = freireich()
    used = logrank.Sides(before.logs, before.closed, after.logs, after.closed)
    assert logrank.z_score(used) ** 2 == pytest.approx(16.79, abs=0.005)
    found = durations.compare(before, after, smallest_effect=None)
    assert found.p == pytest.approx(4.17e-5, rel=0.01)
    assert found.effect is not None
    assert found.low is not None
    assert found.low > 0
    assert found.verdict_hint == "too_few_data", "nine ended after"
    assert "9 after" in found.reason


def test_the_curves_of_the_remission_trial_are_the_published_ones() -> None:
    before, after = freireich()
    moments, lasting = durations.survival(after)
    assert [round(moment / 86_400 / 7) for moment in moments] == [6, 7, 10, 13, 16, 22, 23]
    assert lasting.round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert durations.median_s(after) == 23 * 7 * 86_400
    assert durations.median_s(before) == 8 * 7 * 86_400


def test_a_median_that_nobody_has_seen_is_none() -> None:
    half_open = Durations(np.array([10.0, 20.0, 30.0]), np.array([True, False, False]))
    assert durations.median_s(half_open) is None
    assert durations.median_s(ended([])) is None


def test_closed_incidents_give_welchs_interval_and_p() -> None:
    before, after = ended([100.0, 200.0, 400.0, 800.0] * 3), ended([50.0, 100.0, 100.0, 150.0] * 3)
    found = durations.compare(before, after, smallest_effect=0.5, test="welch_log")
    theirs = scipy_stats.ttest_ind(after.logs, before.logs, equal_var=False)
    bounds = theirs.confidence_interval(0.95)
    assert found.p == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx((bounds.low, bounds.high))
    assert found.effect == pytest.approx(float(after.logs.mean() - before.logs.mean()))
    assert (found.n, found.controls, found.verdict_hint) == (24, 0, None)


def test_few_divisions_are_counted_one_by_one() -> None:
    found = durations.compare(
        ended([1.0, 2.0, 4.0, 8.0]), ended([100.0, 200.0, 400.0, 900.0]), smallest_effect=None
    )
    assert found.p == pytest.approx(2 / math.comb(8, 4))
    assert found.verdict_hint == "too_few_data"


def test_an_open_incident_is_never_dropped() -> None:
    random = np.random.default_rng(3)
    before = ended(list(random.lognormal(9, 1, 40)))
    after = Durations(np.append(before.seconds, [1e6] * 12), np.append(np.ones(40, dtype=bool), [False] * 12))
    found = durations.compare(before, after, smallest_effect=None)
    assert "log-rank" in found.method
    assert found.n == 92
    assert found.effect is not None
    assert found.effect > 0.1, "twelve that still run make it longer, not equal"


def test_where_all_are_open_nothing_is_known() -> None:
    nothing = Durations(np.full(30, 900.0), np.zeros(30, dtype=bool))
    found = durations.compare(nothing, nothing, smallest_effect=0.2)
    assert (found.effect, found.low, found.high, found.p, found.power) == (None, None, None, None, 0.0)
    assert found.verdict_hint == "too_few_data"
    assert effects.outcome(found, better="down") == "too_few_data"


def test_nothing_at_all_is_too_few() -> None:
    found = durations.compare(ended([]), ended([]), smallest_effect=None)
    assert (found.n, found.p, found.verdict_hint) == (0, None, "too_few_data")


def test_where_nothing_varies_no_chance_is_told() -> None:
    same, other = ended([600.0] * 15), ended([300.0] * 15)
    found = durations.compare(same, other, smallest_effect=0.3)
    assert (found.p, found.low, found.high, found.power) == (1.0, None, None, 0.0)
    assert effects.outcome(found, better="down") == "too_few_data"


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0])
def test_what_is_no_duration_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="seconds"):
        ended([60.0, wrong])


def test_arrays_of_two_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        Durations(np.ones(3), np.ones(2, dtype=bool))


@pytest.mark.parametrize("declared", [0.0, 1.0, -0.1, 1.5])
def test_a_smallest_effect_that_is_no_share_is_refused(declared: float) -> None:
    with pytest.raises(ValueError, match="smallest_effect"):
        durations.compare(ended([60.0] * 12), ended([60.0] * 12), smallest_effect=declared)


@settings(max_examples=25, deadline=None)
@given(sides, sides, st.booleans())
def test_swapping_the_sides_turns_the_sign_and_nothing_else(
    first: list[float], second: list[float], censored: bool
) -> None:
    make = some_open if censored else ended
    there = durations.compare(make(first), make(second), smallest_effect=None)
    back = durations.compare(make(second), make(first), smallest_effect=None)
    assert there.p == pytest.approx(back.p)
    mirrored(there.effect, back.effect)
    mirrored(there.low, back.high)
    mirrored(there.high, back.low)


def mirrored(one: float | None, other: float | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one == pytest.approx(-other, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(sides, sides, st.sampled_from([2.0, 60.0, 3600.0]), st.booleans())
def test_the_unit_of_time_does_not_matter(
    first: list[float], second: list[float], scale: float, censored: bool
) -> None:
    make = some_open if censored else ended
    here = durations.compare(make(first), make(second), smallest_effect=None)
    there = durations.compare(
        make([scale * one for one in first]), make([scale * one for one in second]), smallest_effect=None
    )
    assert here.p == pytest.approx(there.p, abs=0.02)  # ties may be told apart by rounding
    if here.effect is not None and there.effect is not None:
        assert here.effect == pytest.approx(there.effect, abs=1e-4)


@settings(max_examples=25, deadline=None)
@given(sides, sides)
def test_the_interval_of_the_log_rank_test_agrees_with_it(first: list[float], second: list[float]) -> None:
    found = durations.compare(some_open(first), some_open(second), smallest_effect=None)
    assert found.p is not None
    if found.p > 0.05:
        assert (found.low or 0) <= 0 <= (found.high or 0)


def test_log_rank_agrees_with_scipy() -> None:
    random = np.random.default_rng(4)
    before = some_open(list(random.lognormal(8, 1, 30)))
    after = some_open(list(random.lognormal(8.5, 1, 20)), every=3)
    theirs = scipy_stats.logrank(
        x=scipy_stats.CensoredData.right_censored(before.seconds, ~before.closed),
        y=scipy_stats.CensoredData.right_censored(after.seconds, ~after.closed),
    )
    found = durations.compare(before, after, smallest_effect=None)
    assert found.p == pytest.approx(theirs.pvalue)
