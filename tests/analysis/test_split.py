from __future__ import annotations

import numpy as np
import pytest

from apps.analysis.split import GENERAL_RULES, NAB_RULES, cadence_us, divide, split_hash
from apps.analysis.types import DAY_US, HOUR_US, MINUTE_US, Interval, Telemetry
from tests.analysis.makers import START_US, at, series

pytestmark = pytest.mark.unit


def test_the_cut_lies_midway_between_the_halves_of_the_incidents():
    one = series(np.zeros(1000), cadence_us=HOUR_US)
    labels = [at(one, 200, 210), at(one, 400, 420), at(one, 500, 510)]
    split = divide(one, labels, GENERAL_RULES)
    assert split.cut_us == (labels[1].end_us + labels[2].start_us) // 2
    assert split.train.incidents == tuple(labels[:2])
    assert split.test.incidents == (labels[2],)
    assert (split.train.first, split.train.last) == (int(0.15 * 460), 460)
    assert (split.test.first, split.test.last) == (460, 1000)
    assert split.dropped == 0


@pytest.mark.parametrize("labels", [[], [(100, 110)]], ids=["none", "one"])
def test_with_fewer_than_two_incidents_the_cut_is_at_half_of_the_samples(labels):
    one = series(np.zeros(1000))
    split = divide(one, [at(one, *rows) for rows in labels], GENERAL_RULES)
    assert split.cut_us == one.times[500]
    assert (split.train.last, split.test.first) == (500, 500)
    assert len(split.train.incidents) == len(labels)


def test_an_incident_that_straddles_the_cut_is_dropped_but_stays_known():
    one = series(np.zeros(1000))
    split = divide(one, [at(one, 490, 510)], GENERAL_RULES)
    assert (split.train.incidents, split.test.incidents, split.dropped) == ((), (), 1)
    assert len(split.known) == 1


def test_an_incident_outside_the_time_of_the_series_is_dropped():
    one = series(np.zeros(100))
    split = divide(
        one, [Interval(0, 5), Interval(START_US + 10 * DAY_US, START_US + 11 * DAY_US)], GENERAL_RULES
    )
    assert (split.known, split.dropped) == ((), 2)


@pytest.mark.parametrize(
    ("cadence_us", "tolerance_us"),
    [
        (HOUR_US, 3 * HOUR_US), (50 * MINUTE_US, 150 * MINUTE_US), (49 * MINUTE_US, 30 * 49 * MINUTE_US),
        (MINUTE_US, 30 * MINUTE_US), (DAY_US, 3 * DAY_US),
    ],
)  # fmt: skip
def test_tolerance_follows_the_cadence(cadence_us, tolerance_us):
    assert (
        divide(series(np.zeros(100), cadence_us=cadence_us), [], GENERAL_RULES).tolerance_us == tolerance_us
    )
    assert divide(series(np.zeros(100), cadence_us=cadence_us), [], NAB_RULES).tolerance_us == 0


@pytest.mark.parametrize(("cadence_us", "known"), [(MINUTE_US, 2), (HOUR_US, 1)], ids=["minute", "hour"])
def test_close_labels_are_merged_by_the_cadence(cadence_us, known):
    one = series(np.zeros(3000), cadence_us=cadence_us)
    start = int(one.times[1000])
    labels = [
        Interval(start, start + MINUTE_US),
        Interval(start + 2 * HOUR_US, start + 2 * HOUR_US + MINUTE_US),
    ]
    assert len(divide(one, labels, GENERAL_RULES).known) == known
    assert len(divide(one, labels, NAB_RULES).known) == 2


@pytest.mark.parametrize(("rows", "warm"), [(1000, 150), (20_000, 750)])
def test_the_benchmark_leaves_15_percent_and_at_most_750_rows_unscored(rows, warm):
    assert divide(series(np.zeros(rows)), [], NAB_RULES).train.first == warm


def test_an_incident_within_the_warm_up_is_dropped():
    one = series(np.zeros(1000))
    split = divide(one, [at(one, 10, 20)], NAB_RULES)
    assert (split.train.incidents, split.dropped) == ((), 1)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_series_of_a_few_samples_splits_without_fuss(rows):
    one = series(np.zeros(rows))
    split = divide(one, [], GENERAL_RULES)
    assert 0 <= split.train.first <= split.train.last <= split.test.last == rows
    assert split.scorer(one, split.test).watched_us >= 0
    assert cadence_us(one.times) == (5 * MINUTE_US if rows > 1 else 0)


def test_the_hash_depends_on_samples_labels_and_rules_and_on_nothing_else():
    def hashed(values, labels, rules, name="a/b"):
        one = series(values)
        return split_hash({name: one}, {name: divide(one, [at(one, *rows) for rows in labels], rules)}, rules)

    values = np.arange(100.0)
    base = hashed(values, [(70, 75)], GENERAL_RULES)
    assert len(base) == 64
    assert hashed(values.copy(), [(70, 75)], GENERAL_RULES) == base
    other = np.where(values == 3, 3.0000001, values)
    changed = [
        hashed(other, [(70, 75)], GENERAL_RULES),
        hashed(values, [(70, 76)], GENERAL_RULES),
        hashed(values, [(70, 75)], NAB_RULES),
        hashed(values, [(70, 75)], GENERAL_RULES, name="a/c"),
    ]
    assert len({base, *changed}) == 5


def test_a_gap_hashes_the_same_whichever_nan_it_is():
    payload = np.array([0x7FF8000000000001], dtype=np.uint64).view(np.float64)[0]
    times = np.array([1, 2], dtype=np.int64)
    a, b = Telemetry(times, np.array([1.0, np.nan])), Telemetry(times, np.array([1.0, payload]))
    assert split_hash({"a/b": a}, {}, NAB_RULES) == split_hash({"a/b": b}, {}, NAB_RULES)
