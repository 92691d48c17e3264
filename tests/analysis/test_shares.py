"""Severity, automated remediation and many questions: known answers and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from apps.analysis import effects, multiplicity, remediation, severity
from apps.analysis.remediation import Tries

pytestmark = pytest.mark.unit
# Pain scores of Brunner and Munzel (2000), after two treatments.
FIRST = [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1]
SECOND = [3, 3, 4, 3, 1, 2, 3, 1, 1, 5, 4]
levels = st.lists(st.integers(1, 5), min_size=10, max_size=20)
tries = st.tuples(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60)).map(
    lambda one: Tries(one[0], min(one[0], one[1]), min(one[0], one[1], one[2]))
)


def test_the_pain_scores_give_the_published_effect_and_interval() -> None:
    found = severity.shift(FIRST, SECOND, smallest_effect=None)
    # Published: P(first < second) + P(tie) / 2 = .789, interval .595 to .983. A higher score is milder here.
    assert found.effect == pytest.approx(-(2 * 0.788961 - 1), abs=1e-5)
    assert found.low == pytest.approx(-(2 * 0.9827052 - 1), abs=1e-5)
    assert found.high == pytest.approx(-(2 * 0.5952169 - 1), abs=1e-5)
    assert found.p == pytest.approx(0.008, abs=0.003)


def test_groups_that_do_not_overlap_still_have_an_interval() -> None:
    found = severity.shift([1] * 12, [4] * 12, smallest_effect=0.2)
    assert found.effect == -1.0
    assert found.low == -1.0
    assert found.high is not None
    assert -0.8 < found.high < -0.4
    assert found.p is not None
    assert found.p < 0.001


def test_all_alike_is_no_evidence_and_few_are_too_few() -> None:
    same = severity.shift([2] * 20, [2] * 20, smallest_effect=None)
    assert (same.effect, same.p) == (0.0, 1.0)
    assert effects.outcome(same, better="down") == "no_evidence"
    assert severity.shift([1, 2], [3] * 30, smallest_effect=None).verdict_hint == "too_few_data"
    assert severity.shift([], [], smallest_effect=None).p is None


@pytest.mark.parametrize("wrong", [[0], [1.5], [math.nan]])
def test_what_is_no_severity_is_refused(wrong: list[int]) -> None:
    with pytest.raises(ValueError, match="after"):
        severity.shift([1, 2], wrong, smallest_effect=None)


@settings(max_examples=25, deadline=None)
@given(levels, levels)
def test_swapping_the_sides_turns_the_shift(first: list[int], second: list[int]) -> None:
    there = severity.shift(first, second, smallest_effect=None)
    back = severity.shift(second, first, smallest_effect=None)
    assert there.p == pytest.approx(back.p)
    assert there.effect == pytest.approx(-(back.effect or 0.0))
    spread = severity.shift([3 * one for one in first], [3 * one for one in second], smallest_effect=None)
    assert (spread.effect, spread.p) == (there.effect, there.p), "levels are ranks"


def test_the_difference_of_shares_has_newcombes_interval() -> None:
    # R. G. Newcombe (1998), table II, method 10: 56/70 - 48/80 and 9/10 - 3/10.
    assert remediation.newcombe(48, 80, 56, 70) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert remediation.newcombe(3, 10, 9, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert remediation.newcombe(0, 10, 10, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


def test_a_share_is_tested_by_n_minus_one_chi_squared() -> None:
    p, exact = remediation.chi_squared_p(20, 60, 35, 60)
    plain = scipy_stats.chi2_contingency([[20, 40], [35, 25]], correction=False)
    assert p == pytest.approx(float(scipy_stats.chi2.sf(plain.statistic * 119 / 120, 1)))
    assert not exact
    p, exact = remediation.chi_squared_p(0, 60, 1, 60)
    assert exact
    assert p == pytest.approx(1.0)


def test_both_denominators_are_there_and_eligible_ones_decide() -> None:
    before, after = Tries(100, 20, 10), Tries(100, 10, 9)
    eligible = remediation.compare(before, after, smallest_effect=None)
    attempted = remediation.compare(before, after, smallest_effect=None, denominator="attempted")
    assert (eligible.n, attempted.n) == (200, 30)
    assert eligible.effect == pytest.approx(-0.01)
    assert attempted.effect == pytest.approx(0.4)
    assert remediation.share(after, "attempted").estimate == 0.9
    assert remediation.share(Tries(0, 0, 0), "eligible").estimate is None


def test_nobody_tried_is_too_few() -> None:
    found = remediation.compare(
        Tries(50, 0, 0), Tries(50, 0, 0), smallest_effect=0.1, denominator="attempted"
    )
    assert (found.effect, found.p, found.power) == (None, None, 0.0)
    assert found.verdict_hint == "too_few_data"


@pytest.mark.parametrize("wrong", [(5, 6, 1), (5, 4, 5), (-1, 0, 0)])
def test_tries_that_cannot_be_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Tries(*wrong)


@settings(max_examples=60, deadline=None)
@given(tries, tries)
def test_swapping_the_sides_turns_the_difference(first: Tries, second: Tries) -> None:
    there = remediation.compare(first, second, smallest_effect=None)
    back = remediation.compare(second, first, smallest_effect=None)
    assert there.p == pytest.approx(back.p)
    assert there.effect == pytest.approx(-(back.effect or 0.0))
    assert there.low == pytest.approx(-(back.high or 0.0))


def test_the_published_example_of_many_questions() -> None:
    # Y. Benjamini, Y. Hochberg (1995), section 3.2: four of fifteen at .05.
    ps = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    ps += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    adjusted = multiplicity.benjamini_hochberg(ps)
    assert [one <= 0.05 for one in adjusted] == [True] * 4 + [False] * 11
    assert multiplicity.benjamini_hochberg(ps[::-1]) == adjusted[::-1]
    assert multiplicity.benjamini_hochberg([]) == []
    assert multiplicity.benjamini_hochberg([0.03]) == [0.03]


@pytest.mark.parametrize("wrong", [math.nan, -0.1, 1.1])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="p-values"):
        multiplicity.benjamini_hochberg([0.5, wrong])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusting_never_lowers_a_p(ps: list[float]) -> None:
    adjusted = np.array(multiplicity.benjamini_hochberg(ps))
    assert bool((adjusted >= np.array(ps) - 1e-12).all())
    assert bool((adjusted <= 1).all())
