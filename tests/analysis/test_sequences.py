"""Confidence sequences: the closed form, its tuning, and what must not matter."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from apps.analysis import sequences
from apps.analysis.sequences import NormalMixture, watch

pytestmark = pytest.mark.unit
days = st.lists(st.integers(-3, 3), min_size=12, max_size=60)


def test_the_closed_form_is_the_mixture_over_a_normal() -> None:
    mixture, total, time = NormalMixture(tuned_for=25), 14.0, 33.0
    scale = 1 / math.sqrt(mixture.rho)

    def weighted(rate: float) -> float:
        density = math.exp(-((rate / scale) ** 2) / 2) / scale / math.sqrt(2 * math.pi)
        return density * math.exp(rate * total - rate**2 * time / 2)

    wanted, _ = integrate.quad(weighted, -3, 3)
    found = mixture.log_evidence(np.array([total]), np.array([time]))
    assert math.exp(found[0]) == pytest.approx(wanted, rel=1e-6)


def test_the_bound_is_where_the_evidence_reaches_one_over_alpha() -> None:
    mixture, times = NormalMixture(), np.array([1.0, 40.0, 900.0])
    assert mixture.log_evidence(mixture.radius(times), times) == pytest.approx(math.log(20))


def test_it_is_tightest_where_it_is_tuned() -> None:
    at = np.array([50.0])
    here = NormalMixture(tuned_for=50).radius(at)[0]
    assert all(NormalMixture(tuned_for=other).radius(at)[0] > here for other in (20, 40, 60, 120))
    assert NormalMixture(tuned_for=12.5).radius(at)[0] < 1.1 * here


def test_before_the_first_look_nothing_is_said() -> None:
    assert watch([1.0] * 11 + [0.0] * 50) == sequences.Watched(11, None, None, None, None)
    assert watch([]) == sequences.Watched(0, None, None, None, None)


def test_a_steady_fall_is_found_and_the_bounds_never_widen() -> None:
    random = np.random.default_rng(5)
    differences = [float(one) for one in random.poisson(0.2, 90) - random.poisson(1.0, 90)]
    looks = [watch(differences[:day]) for day in range(30, 91, 10)]
    last = looks[-1]
    assert last.high is not None
    assert last.high < 0
    assert last.p is not None
    assert last.p < 0.01
    for earlier, later in itertools.pairwise(looks):
        assert earlier.p is not None
        assert later.p is not None
        assert later.p <= earlier.p
        if earlier.high is not None and later.high is not None:
            assert later.high <= earlier.high


def test_what_changed_on_the_way_has_no_interval() -> None:
    found = watch([-2.0, -1.0] * 60 + [2.0, 1.0] * 400)
    assert (found.low, found.high) == (None, None)


def test_a_dozen_equal_differences_are_no_certainty() -> None:
    found = watch([-1.0] * 12)
    assert found.low is not None
    assert found.low < -1 < (found.high or 0.0)


@given(days)
def test_swapping_the_arms_turns_the_sign(values: list[int]) -> None:
    there, back = watch([float(v) for v in values]), watch([-float(v) for v in values])
    assert there.p == back.p
    if there.low is not None and back.high is not None:
        assert there.low == pytest.approx(-back.high)
        assert there.effect == pytest.approx(-(back.effect or 0.0))


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_what_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        watch([1.0, wrong])


def test_nonsense_tuning_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        NormalMixture(alpha=0.0)
    with pytest.raises(ValueError, match="tuned_for"):
        NormalMixture(tuned_for=0.0)
