"""False alarms by block: the test errs as seldom as it says, also where alarms come in clusters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats as scipy_stats

from apps.analysis import paired, stats

if TYPE_CHECKING:
    from apps.analysis.paired import Paired

pytestmark = pytest.mark.unit
RUNS = 1000
DAYS = 60
SIZES = (1, 2, 3, 5)


def rejects(found: Paired) -> bool:
    """Test and interval both say so; the minimum of blocks, which makes verdicts rarer, is left aside."""
    if found.low is None or found.high is None:
        return False
    return found.p < 0.05 and (found.low > 0 or found.high < 0)


def covers(found: Paired, truth: float) -> bool:
    return (-math.inf if found.low is None else found.low) <= truth <= (found.high or math.inf)


def clustered(
    random: np.random.Generator, size: int, *, share: float, before: float, after: float
) -> list[tuple[int, int]]:
    """Service-days on which a cluster of `size` false alarms comes to both arms, or to one alone."""
    both, first, second = (random.poisson(rate, DAYS) for rate in (share, before, after))
    return [(int(size * (b + x)), int(size * (b + y))) for b, x, y in zip(both, first, second, strict=True)]


def test_nothing_says_nothing() -> None:
    empty = paired.block_ratio([])
    assert (empty.n, empty.effect, empty.low, empty.high, empty.p) == (0, 0.0, None, None, 1.0)
    assert paired.block_ratio([(0, 0)] * 5) == empty
    assert paired.block_smallest([]) is None
    lone = paired.block_ratio([(4, 0)])
    assert (lone.n, lone.low, lone.high, lone.p) == (1, None, None, 1.0)


def test_one_block_is_one_difference_however_many_alarms_it_has() -> None:
    found = paired.block_ratio([(20, 0), (1, 1), (2, 2)])
    assert (found.n, found.p) == (1, 1.0)
    assert not rejects(found)


def test_few_differences_are_tested_exactly() -> None:
    found = paired.block_ratio([(1, 0)] * 12 + [(3, 3)])
    assert found.p == pytest.approx(2 / 2**12)
    assert found.effect == pytest.approx(math.log(3.5 / 15.5))


@pytest.mark.parametrize("alone", [0.1, 0.3])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_under_the_null_independent_alarms_are_called_changed_in_at_most_seven_of_a_hundred_runs(
    alone: float, share: float
) -> None:
    random = np.random.default_rng(11)
    draws = [clustered(random, 1, share=share, before=alone, after=alone) for _ in range(RUNS)]
    found = [paired.block_ratio(draw) for draw in draws]
    assert np.mean([rejects(one) for one in found]) <= 0.07
    assert np.mean([one.p < 0.05 for one in found]) <= 0.07
    assert np.mean([covers(one, 0.0) for one in found]) >= 0.93


@pytest.mark.parametrize("size", SIZES)
def test_under_the_null_clusters_are_called_changed_in_at_most_seven_of_a_hundred_runs(size: int) -> None:
    random = np.random.default_rng(12)
    draws = [clustered(random, size, share=0.1, before=0.3, after=0.3) for _ in range(RUNS)]
    found = [paired.block_ratio(draw) for draw in draws]
    assert np.mean([rejects(one) for one in found]) <= 0.07
    assert np.mean([one.p < 0.05 for one in found]) <= 0.07
    assert np.mean([covers(one, 0.0) for one in found]) >= 0.93


def test_alarm_by_alarm_the_same_clusters_would_be_called_changed_far_more_often() -> None:
    random = np.random.default_rng(13)
    wrong = []
    for _ in range(RUNS):
        draw = clustered(random, 5, share=0.0, before=0.3, after=0.3)
        before, after = (sum(pair[arm] for pair in draw) for arm in (0, 1))
        wrong.append(before + after > 0 and scipy_stats.binomtest(before, before + after).pvalue < 0.05)
    assert np.mean(wrong) > 0.25


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("share", "before", "after"), [(0.2, 0.4, 0.02), (0.1, 0.3, 0.1), (0.0, 0.3, 0.01)])
def test_the_ratio_of_false_alarms_lies_in_its_interval(
    size: int, share: float, before: float, after: float
) -> None:
    random = np.random.default_rng(14)
    truth = math.log((share + after) / (share + before))
    hits = [
        covers(paired.block_ratio(clustered(random, size, share=share, before=before, after=after)), truth)
        for _ in range(RUNS)
    ]
    assert np.mean(hits) >= 0.93


@pytest.mark.parametrize("size", SIZES)
def test_the_smallest_effect_that_it_says_it_would_find_it_finds(size: int) -> None:
    random = np.random.default_rng(15)
    days = [(size, size)] * 40
    smallest = paired.block_smallest(days)
    assert smallest is not None
    found = []
    for _ in range(RUNS):
        gone = random.uniform(size=40) < smallest
        one = paired.block_ratio([(size, 0 if away else size) for away in gone])
        found.append(rejects(one) and (one.effect or 0) < 0 and one.n >= paired.BLOCKS_NEEDED)
    assert np.mean(found) >= 0.8


def test_power_rises_with_the_effect_falls_with_looks_and_is_none_for_too_few() -> None:
    days = [(1, 1)] * 40
    powers = [paired.block_power(days, share / 10) for share in range(11)]
    assert powers == sorted(powers)
    assert powers[0] == 0.0
    assert powers[-1] == 1.0
    mixed = [(1, 1)] * 30 + [(0, 1)] * 6
    assert paired.block_power(mixed, 0.5, alpha=0.002) < paired.block_power(mixed, 0.5)
    assert paired.block_power([(1, 1)] * 11, 1.0) == 0.0
    assert paired.block_smallest([(1, 0)] * 11) is None


def test_what_got_worse_leaves_the_power_as_it_is() -> None:
    days = [(1, 0)] * 20 + [(1, 1)] * 20
    back = [(b, a) for a, b in days] + [(1, 1)] * 20
    assert paired.block_power(back, 0.9) > 0.9


def test_swapping_the_arms_turns_every_sign() -> None:
    random = np.random.default_rng(16)
    days = clustered(random, 2, share=0.2, before=0.4, after=0.1)
    there, back = paired.block_ratio(days), paired.block_ratio([(b, a) for a, b in days])
    assert (there.effect or 0) == pytest.approx(-(back.effect or 0))
    assert (there.low or 0) == pytest.approx(-(back.high or 0))
    assert (there.n, there.p) == (back.n, back.p)


def test_its_p_is_that_of_the_signs() -> None:
    random = np.random.default_rng(17)
    days = clustered(random, 1, share=0.2, before=0.5, after=0.2)
    assert paired.block_ratio(days).p == stats.sign_flip_p([after - before for before, after in days])
