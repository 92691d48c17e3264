"""The last days of a series with two settings, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from apps.analysis.cases import Case
from apps.analysis.lately import Lately, replay, total
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import DAY_US, MINUTE_US, Interval
from tests.analysis.makers import START_US, series

pytestmark = pytest.mark.unit

A_DAY = 288  # samples
DEAF = apply(DEFAULT_SETTING, {"min_rel": 1.5})


@pytest.fixture(scope="module")
def case():
    """40 days around 100: a burst to 160 at noon of days 20 to 35, incidents to 400 on days 10, 18 and 30."""
    values = 100 + np.random.default_rng(3).normal(0, 2, 40 * A_DAY)
    labels = []
    for day in range(20, 36):
        values[day * A_DAY + 144 + 7 * (day % 5) :][:6] = 160
    for day in (10, 18, 30):
        first = day * A_DAY + 20 + day
        values[first : first + 24] = 400
        begin = START_US + first * 5 * MINUTE_US
        labels.append(Interval(begin, begin + 24 * 5 * MINUTE_US))
    return Case.build(series(values), labels, GENERAL_RULES)


def test_bursts_that_no_longer_page_are_lost_and_incidents_stay(case):
    found = replay(case, DEFAULT_SETTING, DEAF, days=7, whole=True)  # days 33 to 39
    assert (found.before, found.after, found.gained, found.lost) == (3, 0, 0, 3)
    assert (found.lost_in_incidents, found.series) == (0, 1)
    assert found.days == pytest.approx(7)
    assert found.per_day_before == pytest.approx(3 / 7)
    assert found.per_day_after == 0
    # Days 26 to 39: ten bursts, one incident.
    longer = replay(case, DEFAULT_SETTING, DEAF, days=14, whole=True)
    assert (longer.before, longer.after, longer.lost) == (11, 1, 10)


def test_what_comes_back_is_gained_and_told_apart_in_incidents(case):
    off = apply(DEFAULT_SETTING, {"min_rel": 50.0})
    found = replay(case, off, DEFAULT_SETTING, days=14, whole=True)
    assert (found.before, found.gained, found.gained_in_incidents) == (0, 11, 1)
    back = replay(case, DEFAULT_SETTING, off, days=14, whole=True)
    assert (back.lost, back.lost_in_incidents) == (11, 1)


def test_nothing_from_the_cut_on_is_seen_before_it_is_served(case):
    cut = case.split.cut_us
    assert START_US + 18 * DAY_US < cut < START_US + 30 * DAY_US
    found = replay(case, DEFAULT_SETTING, DEAF, days=90, whole=False)
    assert found.days < (cut - START_US) / DAY_US
    last = replay(case, DEFAULT_SETTING, DEAF, days=2, whole=False)  # the two days before the cut
    days = {day for day in range(20, 36) if cut - 2 * DAY_US <= START_US + (day + 0.55) * DAY_US < cut}
    assert last.before == len(days) == last.lost


def test_sums_add_rates_and_keep_the_longest_watch(case):
    one, two = (replay(case, DEFAULT_SETTING, DEAF, days=days, whole=True) for days in (7, 14))
    both = total([one, two])
    assert (both.series, both.days, both.lost) == (2, two.days, 13)
    assert both.per_day_before == one.per_day_before + two.per_day_before
    assert total([]) == Lately()


def test_a_series_without_time_has_nothing_and_no_days_are_an_error(case):
    empty = Case.build(series(np.array([])), [], GENERAL_RULES)
    assert replay(empty, DEFAULT_SETTING, DEAF, days=7, whole=True) == Lately()
    with pytest.raises(ValueError, match="at least 1"):
        replay(case, DEFAULT_SETTING, DEAF, days=0, whole=True)
