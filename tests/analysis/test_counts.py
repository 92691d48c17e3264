"""Counts against untouched services."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis import counts, effects
from apps.analysis.counts import Counts2

if TYPE_CHECKING:
    from apps.analysis.effects import Estimate

pytestmark = pytest.mark.unit
numbers = st.integers(0, 60)


def service(before: int, after: int, days: float = 84.0) -> Counts2:
    return Counts2(before, days, after, days)


def alike(controls: int, mean: float = 20.0) -> list[Counts2]:
    """Controls whose counts vary by chance alone."""
    random = np.random.default_rng(controls)
    return [service(*(int(count) for count in random.poisson(mean, 2))) for _ in range(controls)]


def compared(treated: Counts2, controls: list[Counts2], smallest: float | None = None) -> Estimate:
    return counts.difference_in_differences(treated, controls, smallest_effect=smallest)


@pytest.mark.parametrize(
    ("controls", "p", "hint"),
    [(9, None, "too_few_data"), (10, 1 / 11, "too_few_data"), (18, 1 / 19, "too_few_data"), (19, 0.05, None)],
)
def test_the_smallest_p_is_one_of_all_services(controls: int, p: float | None, hint: str | None) -> None:
    found = compared(service(40, 2), alike(controls))
    assert (found.controls, found.verdict_hint) == (controls, hint)
    assert found.p == (None if p is None else pytest.approx(p))
    wanted = "improved" if hint is None else "too_few_data"
    assert effects.outcome(found, better="down") == wanted


def test_what_fell_everywhere_did_not_fall() -> None:
    everywhere = [service(40 + number % 5, 10 + number % 3) for number in range(30)]
    found = compared(service(40, 10), everywhere)
    assert found.effect == pytest.approx(0.0, abs=0.15)
    assert effects.outcome(found, better="down") == "no_evidence"


def test_a_service_without_incidents_says_nothing() -> None:
    empty = [service(0, 0)] * 7
    found = compared(service(40, 2), alike(25) + empty)
    assert (found.controls, found.excluded) == (25, 7)
    assert compared(service(0, 0), alike(25)).verdict_hint == "too_few_data"
    assert compared(service(40, 2), empty * 5).verdict_hint == "too_few_data"


def test_a_quiet_service_is_not_held_against_loud_ones() -> None:
    found = compared(service(3, 1), alike(40, mean=400.0))
    assert found.p is not None
    assert found.p > 0.2, "three incidents become one by chance, whatever four hundred do"


def test_longer_stretches_bring_more_incidents() -> None:
    found = compared(Counts2(20, 100.0, 10, 50.0), [Counts2(20, 100.0, 10, 50.0)] * 25)
    assert found.effect == pytest.approx(0.0, abs=1e-9)


def test_the_declared_effect_is_found_or_not() -> None:
    assert compared(service(5, 5), alike(30), 0.1).power == pytest.approx(0.0, abs=0.1)
    power = compared(service(60, 55), alike(60), 0.9).power
    assert power is not None
    assert power > 0.9
    assert compared(service(60, 55), alike(12), 0.9).power == 0.0


@settings(max_examples=60, deadline=None)
@given(st.tuples(numbers, numbers), st.lists(st.tuples(numbers, numbers), min_size=19, max_size=45))
def test_swapping_before_and_after_turns_the_sign(
    treated: tuple[int, int], others: list[tuple[int, int]]
) -> None:
    there = compared(service(*treated), [service(*one) for one in others])
    back = compared(service(*treated[::-1]), [service(*one[::-1]) for one in others])
    assert there.p == (None if back.p is None else pytest.approx(back.p))
    for one, other in ((there.effect, back.effect), (there.low, back.high), (there.high, back.low)):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            assert one == pytest.approx(-other, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.tuples(numbers, numbers), st.lists(st.tuples(numbers, numbers), min_size=20, max_size=45))
def test_test_and_interval_never_contradict(treated: tuple[int, int], others: list[tuple[int, int]]) -> None:
    found = compared(service(*treated), [service(*one) for one in others])
    if found.p is not None and found.p > 0.05:
        assert found.low is None or found.low <= 0
        assert found.high is None or found.high >= 0


RIGHT: dict[str, Any] = {"before": 1, "before_days": 84.0, "after": 1, "after_days": 84.0}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"before": -1}, "before"),
        ({"after": 1.5}, "after"),
        ({"before_days": 0.0}, "before_days"),
        ({"after_days": math.nan}, "after_days"),
        ({"after": math.nan}, "after"),
    ],
)
def test_what_is_no_count_is_refused_by_name(wrong: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Counts2(**{**RIGHT, **wrong})
