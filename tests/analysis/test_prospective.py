"""The prospective test, simulated: how often it withdraws what does no harm, and finds what does."""

from __future__ import annotations

import numpy as np
import pytest

from apps.analysis import prospective, sequences
from apps.common.errors import require

pytestmark = [pytest.mark.unit]

DAYS = 90
RUNS = 2_000


def alarms(random: np.random.Generator, rate: float, size: float) -> np.ndarray:
    """False alarms of one way by run and day: some days bring several. Shape (RUNS, DAYS)."""
    bad_days = random.poisson(rate, (RUNS, DAYS))
    return np.asarray(random.poisson(size * bad_days), dtype=np.float64)


def withdrawn(differences: np.ndarray, lost: np.ndarray, gained: np.ndarray) -> float:
    """Share of runs that would be withdrawn on any of the days, by the very rule that is used."""
    found = 0
    table = np.array([[prospective.losing_p(g, k) < prospective.ALPHA for g in range(60)] for k in range(60)])
    for row, losses, gains in zip(
        differences, np.cumsum(lost, axis=1), np.cumsum(gained, axis=1), strict=True
    ):
        losing = table[losses.astype(int), gains.astype(int)]
        found += bool(prospective.excluded(row).any() or losing.any())
    return found / len(differences)


@pytest.mark.parametrize(("rate", "size"), [(0.3, 1.0), (1.0, 1.0), (0.5, 4.0), (3.0, 2.0)])
@pytest.mark.parametrize("incidents", [0.0, 0.3])
def test_a_null_insight_that_is_watched_daily_is_rarely_withdrawn(rate, size, incidents):
    random = np.random.default_rng(20_261_121)
    before, after = alarms(random, rate, size), alarms(random, rate, size)
    lost, gained = random.poisson(incidents / 2, (2, RUNS, DAYS))
    differences = after - before + prospective.INCIDENT_WORTH * (lost - gained)
    share = withdrawn(differences, lost, gained)
    print(f"rate {rate} size {size} incidents {incidents}: withdrawn {share:.4f} of {RUNS}")
    assert share <= 0.05


def test_a_heavy_tail_or_a_few_days_of_difference_do_not_fool_it():
    random = np.random.default_rng(7)
    heavy = np.round(random.standard_cauchy((RUNS, DAYS)))
    none = np.zeros((RUNS, DAYS))
    assert withdrawn(heavy, none, none) <= 0.05
    sparse = random.choice([-1.0, 0.0, 1.0], (RUNS, DAYS), p=[0.1, 0.8, 0.1])
    assert withdrawn(sparse, none, none) <= 0.05


def test_harm_is_found_by_false_alarms_and_by_incidents():
    random = np.random.default_rng(3)
    none = np.zeros((RUNS, DAYS))
    worse = alarms(random, 1.5, 1.0) - alarms(random, 0.5, 1.0)
    assert withdrawn(worse, none, none) >= 0.8
    lost = random.poisson(0.2, (RUNS, DAYS))
    assert withdrawn(none, lost, none) >= 0.8


def test_eight_incidents_lost_and_none_gained_are_enough_and_seven_are_not():
    assert prospective.losing_p(0, 8) < prospective.ALPHA < prospective.losing_p(0, 7)
    assert prospective.losing_p(8, 0) == 1
    assert prospective.losing_p(0, 0) == 1


def test_the_martingale_of_the_incidents_is_fair():
    for gained, lost in ((0, 0), (3, 1), (1, 5), (12, 9)):
        evidence = [1 / _plain(gained + up, lost + 1 - up) for up in (0, 1)]
        assert sum(evidence) / 2 == pytest.approx(1 / _plain(gained, lost))


def _plain(gained: int, lost: int) -> float:
    """1 / M without the cap at 1, by adding up: the integral of a polynomial."""
    grid = np.linspace(0.5, 1, 200_001)
    density = 2 * (2 * grid) ** lost * (2 * (1 - grid)) ** gained
    return 1 / float(np.trapezoid(density, grid))


def test_fewer_days_that_differ_than_a_first_look_say_nothing():
    found = prospective.prospect([3.0] * (sequences.FIRST_LOOK - 1) + [0.0] * 50, gained=0, lost=0)
    assert (found.effect, found.low, found.p, found.worse) == (None, None, None, False)
    found = prospective.prospect([3.0, 2.0] * 10, gained=0, lost=0)
    assert found.worse
    assert require(found.low, "low") > 0
    assert require(found.p, "p") < prospective.ALPHA
    assert prospective.prospect([-3.0, -2.0] * 10, gained=0, lost=0).better


def test_what_was_good_and_became_bad_is_seen():
    days = [-1.0] * 30 + [4.0] * 60
    assert not prospective.prospect(days[:40], gained=0, lost=0).worse
    assert prospective.prospect(days, gained=0, lost=0).worse
