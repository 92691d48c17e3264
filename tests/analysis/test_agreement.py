from __future__ import annotations

import pytest

from apps.analysis import agreement

pytestmark = pytest.mark.unit

# The example of Shrout and Fleiss (1979), table 2: six targets, four judges.
PAPER = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_the_values_of_the_paper():
    assert agreement.one_way(PAPER).value == pytest.approx(0.17, abs=0.005)
    assert agreement.absolute(PAPER).value == pytest.approx(0.29, abs=0.005)


def test_the_intervals_that_the_r_package_psych_prints_for_the_paper():
    both = agreement.one_way(PAPER), agreement.absolute(PAPER)
    assert [(one.n, one.raters) for one in both] == [(6, 4), (6, 4)]
    assert (both[0].low, both[0].high) == pytest.approx((-0.133, 0.723), abs=0.002)
    assert (both[1].low, both[1].high) == pytest.approx((0.019, 0.761), abs=0.002)


def test_equal_columns_agree_fully():
    assert agreement.absolute([[1, 1], [3, 3], [5, 5]]).value == pytest.approx(1)
    found = agreement.one_way([[1, 1], [3, 3], [5, 5]])
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))


def test_a_rater_who_is_always_higher_costs_absolute_agreement():
    assert agreement.absolute([[1, 3], [2, 4], [3, 5]]).value == pytest.approx(1 / 3)


@pytest.mark.parametrize("measure", [agreement.absolute, agreement.one_way])
@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ([], "Nobody"),
        ([[4], [3]], "One person"),
        ([[4, 3]], "One target"),
        ([[4, 4], [4, 4]], "same mark"),
    ],
)
def test_what_is_not_defined_says_why(measure, ratings, reason):
    found = measure(ratings)
    assert found.value is None
    assert reason in found.reason


@pytest.mark.parametrize("ratings", [[1, 2, 3], [[1, float("nan")], [2, 3]]])
def test_only_tables_of_numbers(ratings):
    with pytest.raises(ValueError, match="table"):
        agreement.absolute(ratings)
