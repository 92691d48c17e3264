from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats as scipy_stats

from apps.analysis import paired

if TYPE_CHECKING:
    from apps.analysis.paired import Paired

pytestmark = pytest.mark.unit
RUNS = 1000


def rejects(found: Paired) -> bool:
    """The rule that verdicts use: p below 5 % and an interval without zero."""
    if found.low is None or found.high is None:
        return False
    return found.p < 0.05 and (found.low > 0 or found.high < 0)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 0), (12, 0), (7, 5), (20, 9), (1, 1)])
def test_the_exact_p_is_that_of_scipy(first: int, second: int) -> None:
    wanted = scipy_stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert paired.discordant_p(first, second) == pytest.approx(wanted)
    assert paired.discordant_p(second, first) == paired.discordant_p(first, second)


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (5, 5), (3, 17), (1, 40)])
def test_the_interval_of_a_share_is_that_of_scipy(successes: int, trials: int) -> None:
    wanted = scipy_stats.binomtest(successes, trials).proportion_ci(0.95, "exact")
    assert paired.share_interval(successes, trials) == pytest.approx((wanted.low, wanted.high))


def test_nothing_says_nothing() -> None:
    assert paired.share_interval(0, 0) == (0.0, 1.0)
    assert paired.recall_difference(0, 0, 0).effect is None
    assert paired.delay_difference([]).effect is None


def test_under_the_null_recall_is_called_changed_in_at_most_seven_of_a_hundred_runs() -> None:
    random = np.random.default_rng(13)
    for incidents, alone in ((20, 0.1), (60, 0.15), (200, 0.05)):
        draws = random.multinomial(incidents, [alone, alone, 1 - 2 * alone], size=RUNS)
        found = [paired.recall_difference(incidents, int(up), int(down)) for up, down, _ in draws]
        assert np.mean([rejects(one) for one in found]) <= 0.07
        covered = [(one.low or 0) <= 0 <= (one.high or 0) for one in found]
        assert np.mean(covered) >= 0.93


def test_the_difference_of_recall_lies_in_its_interval() -> None:
    random = np.random.default_rng(14)
    for incidents, up, down in ((20, 0.3, 0.0), (40, 0.2, 0.05)):
        draws = random.multinomial(incidents, [up, down, 1 - up - down], size=RUNS)
        hits = []
        for gained, lost, _ in draws:
            found = paired.recall_difference(incidents, int(gained), int(lost))
            hits.append((found.low or 0.0) <= up - down <= (found.high or 0.0))
        assert np.mean(hits) >= 0.93


def test_under_the_null_delays_are_called_changed_in_at_most_seven_of_a_hundred_runs() -> None:
    random = np.random.default_rng(15)
    for n in (8, 20, 51):
        found = [paired.delay_difference(random.standard_t(3, n).tolist()) for _ in range(RUNS)]
        assert np.mean([rejects(one) for one in found]) <= 0.07


def test_the_median_of_delays_lies_in_its_interval() -> None:
    random = np.random.default_rng(16)
    for n in (9, 20, 40):
        found = [paired.delay_difference((random.exponential(1, n)).tolist()) for _ in range(RUNS)]
        hits = [(one.low or 0.0) <= math.log(2) <= (one.high or math.inf) for one in found]
        assert np.mean(hits) >= 0.93


def test_an_incident_that_only_one_arm_saw_is_the_largest_difference() -> None:
    found = paired.delay_difference([-math.inf, -300.0, -300.0, -300.0, -300.0, -300.0, math.inf])
    assert found.effect == -300.0
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert found.p == pytest.approx(2 * 8 / 128)


def test_what_it_says_it_would_find_it_finds() -> None:
    """The stated smallest effect is found in at least 80 of 100 runs."""
    random = np.random.default_rng(17)
    share = paired.recall_difference(40, 0, 0).smallest or 0.0
    gained = random.binomial(40, share, size=RUNS)
    assert np.mean([rejects(paired.recall_difference(40, int(g), 0)) for g in gained]) >= 0.78


def test_power_rises_with_the_effect_and_is_none_for_too_few() -> None:
    powers = [paired.recall_power(40, 1, share / 10) for share in range(11)]
    assert powers == sorted(powers)
    assert powers[0] == 0.0
    assert powers[-1] == pytest.approx(1.0)
    assert paired.recall_power(40, 0, 0.2, alpha=1e-4) < paired.recall_power(40, 0, 0.2)
    assert paired.delay_smallest([1.0] * 5) is None


def test_when_most_incidents_are_lost_the_median_is_beyond_every_bound() -> None:
    found = paired.delay_difference([math.inf] * 15 + [0.0] * 2)
    assert (found.effect, found.low) == (math.inf, math.inf)
    assert rejects(found)
    assert paired.delay_difference([math.inf, -math.inf]).effect == 0.0


def test_where_no_delay_changes_any_shift_would_have_been_found() -> None:
    assert paired.delay_difference([0.0] * 20).smallest is None
    assert paired.delay_smallest([0.0] * 20) == 0.0
