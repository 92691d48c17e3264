from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.analysis import power

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("share", "each"), [(0.1, 2390), (0.2, 533), (0.3, 209), (0.5, 56)])
def test_the_published_numbers_of_incidents_a_side_come_out(share: float, each: int) -> None:
    assert power.needed(power.Durations(sd_ln=1.3), effect=share) == each


def test_two_shares_need_what_the_books_say() -> None:
    # Fleiss, Levin, Paik (2003), section 4.2, without the correction for continuity.
    assert power.needed(power.Shares(base=0.6), effect=0.1) == 356


def test_six_blocks_are_the_fewest_that_a_sign_test_can_judge() -> None:
    assert power.of(power.Blocks(), effect=1.0, n=5) == 0.0
    assert power.of(power.Blocks(), effect=1.0, n=6) == 1.0
    assert power.needed(power.Blocks(), effect=1.0) == 6


def test_below_nineteen_controls_no_number_of_incidents_is_enough() -> None:
    assert power.needed(power.Counts(controls=18), effect=0.9) is None
    assert power.of(power.Counts(controls=18), effect=0.9, n=10_000) == 0.0
    assert power.needed(power.Counts(controls=40), effect=0.5) is not None


@given(st.floats(0.01, 0.95), st.integers(2, 5000))
def test_power_rises_with_effect_and_number(effect: float, n: int) -> None:
    for plan in (power.Durations(), power.Counts(controls=30)):
        here = power.of(plan, effect=effect, n=n)
        assert 0 <= here <= 1
        assert power.of(plan, effect=effect, n=2 * n) >= here - 1e-9
        if n * (1 - effect) >= 5:  # of fewer left, half an incident is no detail
            assert power.of(plan, effect=min(0.99, effect * 1.04), n=n) >= here - 1e-3


@pytest.mark.parametrize("effect", [0.0, 1.0, -0.2, 1.5, float("nan")])
def test_an_effect_that_is_no_share_is_refused(effect: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        power.of(power.Durations(), effect=effect, n=10)


def test_open_incidents_tell_less() -> None:
    closed = power.needed(power.Durations(), effect=0.3)
    assert closed is not None
    assert power.needed(power.Durations(open_share=0.5), effect=0.3) == pytest.approx(2 * closed, abs=2)


def test_the_smallest_effect_is_the_one_that_needs_so_many() -> None:
    assert power.smallest(power.Durations(sd_ln=1.3), n=56) == 0.5
    assert power.smallest(power.Counts(controls=5), n=1000) is None
