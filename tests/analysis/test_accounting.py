from __future__ import annotations

import numpy as np
import pytest

from apps.analysis import accounting
from apps.analysis.accounting import Counts, Scorer, count_episodes, median_delay_s, merge
from apps.analysis.types import HOUR_US, MINUTE_US, Interval
from tests.analysis.makers import START_US

pytestmark = pytest.mark.unit


def hours(*numbers):
    return np.array([int(number * HOUR_US) for number in numbers], dtype=np.int64)


def span(first, last):
    return Interval(int(first * HOUR_US), int(last * HOUR_US))


def scorer(incidents, *, last=200, tolerance=0.0, known=None):
    """One sample every half hour."""
    times = hours(*np.arange(0, last, 0.5))
    return Scorer.build(times, incidents, int(tolerance * HOUR_US), known or incidents)


def rows(*at_hours):
    return np.array([int(at * 2) for at in at_hours], dtype=np.int64)


def test_labels_closer_than_the_gap_are_one_incident():
    labels = [span(10, 11), span(0, 1), span(3.9, 5), span(14, 15)]
    assert merge(labels, 3 * HOUR_US) == [span(0, 5), span(10, 11), span(14, 15)]
    assert merge(labels, 30 * MINUTE_US) == sorted(labels)


def test_overlapping_and_nested_labels_are_one_incident_at_any_gap():
    assert merge([span(0, 9), span(1, 2), span(9, 12)], 0) == [span(0, 12)]
    assert merge([], HOUR_US) == []


def test_runs_of_alarms_with_gaps_up_to_the_cool_down_are_one_episode():
    assert count_episodes(hours(0, 1, 4, 7)) == 1
    assert count_episodes(hours(0, 3.5)) == 2
    assert count_episodes(hours()) == 0
    assert accounting.episodes(hours(0, 3, 6.5)) == [span(0, 3), span(6.5, 6.5)]


def test_an_alarm_that_stays_on_counts_again_every_24_hours():
    def lasting(duration):
        return count_episodes(hours(*np.arange(0, duration + 0.1, 1)))

    assert [lasting(duration) for duration in (23, 24, 47, 48, 240)] == [1, 2, 2, 3, 11]


def test_alarms_count_for_the_incident_whose_window_holds_them():
    counted = scorer([span(10, 12), span(50, 51), span(80, 81)], tolerance=1.5).counts(
        rows(13.5, 49.5, 80, 81)
    )
    assert (counted.incidents, counted.detected, counted.false_alarms) == (3, 2, 1)
    assert counted.delays_s == (3.5 * 3600, 0.0)
    assert counted.censored_s == (2.5 * 3600,)


def test_alarms_in_the_tail_of_an_incident_are_neither_hit_nor_false():
    one = scorer([span(10, 12)])
    assert one.counts(rows(12.5, 15)) == Counts(1, 0, 0, one.watched_us, (), (7200.0,))
    assert one.false_alarms(rows(15.5)) == 1


def test_a_tail_ends_with_the_tolerance_where_that_is_longer():
    assert scorer([span(10, 12)], tolerance=6).false_alarms(rows(18)) == 0
    assert scorer([span(10, 12)], tolerance=6).false_alarms(rows(18.5)) == 1


def test_alarms_in_an_incident_that_is_not_scored_are_not_false():
    one = scorer([], known=[span(10, 12)])
    assert one.counts(rows(11)).false_alarms == 0
    assert one.counts(rows(11)).incidents == 0


def test_monitored_time_runs_from_the_first_to_the_last_sample():
    assert scorer([]).watched_us == 199.5 * HOUR_US
    assert accounting.monitored_us(hours()) == 0
    assert accounting.monitored_us(hours(5)) == 0


def test_counts_add_up():
    one = Counts(3, 2, 5, 10, (1.0, 2.0), (9.0,))
    assert accounting.total([one, one]) == Counts(6, 4, 10, 20, (1.0, 2.0, 1.0, 2.0), (9.0, 9.0))
    assert accounting.total([]) == Counts()
    assert one.utility(0.2) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("delays", "censored", "median"),
    [
        ([], [], None),
        ([], [5.0], None),
        ([7.0], [], 7.0),
        ([1.0, 2.0, 3.0], [], 2.0),
        ([1.0, 2.0], [9.0, 9.0], 2.0),
        ([1.0, 2.0], [9.0, 9.0, 9.0], None),
        # A miss that was watched for 1 s leaves the risk set: 4/5, 3/5, 2/5 remain after the delays.
        ([2.0, 3.0, 4.0], [1.0, 9.0, 9.0], 4.0),
        ([2.0, 3.0, 4.0], [9.0, 9.0, 9.0], 4.0),
        # Censored early, the survivors decide: 1/2 is reached at once.
        ([5.0, 5.0], [1.0, 1.0], 5.0),
    ],
)
def test_the_median_delay_is_that_of_kaplan_and_meier(delays, censored, median):
    assert median_delay_s(delays, censored) == median


def test_the_scorer_agrees_with_a_plain_count():
    rng = np.random.default_rng(5)
    incidents = merge(
        [Interval(s, s + 2 * HOUR_US) for s in (START_US + rng.integers(0, 10**12, 9)).tolist()], 0
    )
    times = START_US + np.arange(0, 10**12, 10 * MINUTE_US)
    alarm_rows = np.flatnonzero(rng.random(times.size) < 0.02)
    found = Scorer.build(times, incidents, HOUR_US, incidents).counts(alarm_rows)
    moments = times[alarm_rows].tolist()
    detected = sum(any(i.start_us <= t <= i.end_us + HOUR_US for t in moments) for i in incidents)
    false = [t for t in moments if all(not i.start_us <= t <= i.end_us + 3 * HOUR_US for i in incidents)]
    episodes, since, last = 0, 0, -(10**18)
    for t in false:
        if t - last > 3 * HOUR_US:
            episodes, since = episodes + 1, t
        elif (t - since) // (24 * HOUR_US) > (last - since) // (24 * HOUR_US):
            episodes += (t - since) // (24 * HOUR_US) - (last - since) // (24 * HOUR_US)
        last = t
    assert (found.detected, found.false_alarms) == (detected, episodes)
