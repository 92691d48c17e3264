"""What is found the quick way is what the plain way finds, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis import detector, grid, windows
from apps.analysis.cases import Case
from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import BASELINES, DAY_US, HOUR_US, MINUTE_US, Setting, Telemetry
from tests.analysis.makers import START_US, noisy_series, series
from tests.analysis.test_detector import SETTINGS, telemetries

pytestmark = pytest.mark.unit


@settings(max_examples=200, deadline=None)
@given(telemetry=telemetries(), setting=SETTINGS)
def test_the_rows_that_alarm_are_those_whose_score_reaches_theta(telemetry, setting):
    prepared = detector.prepare(telemetry)
    plain = np.flatnonzero(detector.alarms(prepared, setting))
    assert detector.alarm_rows(prepared, setting).tolist() == plain.tolist()


@given(
    hot=st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 9)), max_size=40, unique_by=lambda one: one[0]),
    n=st.integers(1, 12),
    data=st.data(),
)
def test_sparse_persistence_is_that_of_all_samples(hot, n, data):
    k = data.draw(st.integers(1, n))
    hot.sort()
    rows = np.array([row for row, _ in hot], dtype=np.int64)
    score = np.array([value for _, value in hot])
    dense = np.zeros(61)
    dense[rows] = score
    plain = detector.persistent(dense, k, n)
    found, values = detector.strongest(rows, score, k, n, dense.size)
    assert found.tolist() == np.flatnonzero(plain > 0).tolist()
    assert values.tolist() == plain[found].tolist()


def one_by_one(values, start, summary):
    """Each window sorted for itself."""
    ends = windows._anchors(start)
    rows = [summary(windows._window_values(values, start[end : end + 1], np.array([end]))) for end in ends]
    return np.concatenate(rows) if rows else np.zeros(0)


@pytest.mark.parametrize("cadence_us", [MINUTE_US, 2 * MINUTE_US, 5 * MINUTE_US, HOUR_US])
@pytest.mark.parametrize("missing", [0, 1, 40])
@pytest.mark.parametrize("flat", [False, True])
def test_windows_that_slide_have_the_median_of_windows_sorted_one_by_one(cadence_us, missing, flat):
    rng = np.random.default_rng(4)
    rows = 5000
    kept = np.delete(np.arange(rows), rng.choice(rows, missing, replace=False))
    times = START_US + kept * cadence_us
    values = np.round(rng.standard_normal(kept.size), 1 if flat else 6) * (rng.random(kept.size) > 0.6 * flat)
    values[700] = np.nan
    for span in (DAY_US, 7 * DAY_US):
        start = windows.trailing_start(times, span, 12)
        for quick, summary in (
            (windows.trailing_median, windows._median_rows),
            (windows.trailing_scale, windows._scale_rows),
        ):
            given_values = values if quick is windows.trailing_median else np.abs(values)
            assert np.array_equal(
                quick(values, start), one_by_one(given_values, start, summary), equal_nan=True
            )


@given(st.lists(st.lists(st.integers(-9, 9) | st.none(), min_size=1, max_size=7), min_size=7, max_size=7))
def test_the_network_gives_the_median_of_each_column(columns):
    few = np.array(
        [[np.inf if v is None else v for v in (column * 7)[:7]] for column in columns], dtype=float
    )
    count = np.isfinite(few).sum(axis=0)
    found = windows._median_of_few(few, count)
    for place, number in enumerate(count):
        if number:
            assert found[place] == np.median(few[:, place][np.isfinite(few[:, place])])


def test_every_setting_of_the_grid_counts_what_its_alarms_count():
    telemetry, labels = noisy_series(days=12)
    values = telemetry.values.copy()
    values[1000:2000] += 9 * np.random.default_rng(2).standard_normal(1000)  # many alarms, of every strength
    values[rng_rows(values.size, 50)] = np.nan
    case = Case.build(Telemetry(telemetry.times, values), labels, GENERAL_RULES)
    part, scorer = case.split.train, case.train_scorer
    for position in range(0, grid.SIZE, 11):
        rows = np.flatnonzero(
            detector.alarms(case.prepared, grid.setting_at(position))[part.first : part.last]
        )
        shape, theta = divmod(position, len(grid.THETAS))
        assert case.train_outcomes.detected[shape, theta] == scorer.hits(rows).size
        assert case.train_outcomes.false_alarms[shape, theta] == scorer.false_alarms(rows)


def rng_rows(size, number):
    return np.random.default_rng(3).choice(size, number, replace=False)


def test_counting_in_batches_changes_no_outcome(monkeypatch):
    telemetry, labels = noisy_series(days=8)
    whole = Case.build(telemetry, labels, GENERAL_RULES).train_outcomes
    monkeypatch.setattr(grid, "BATCH_ROWS", 7)
    batched = Case.build(telemetry, labels, GENERAL_RULES).train_outcomes
    assert np.array_equal(whole.detected, batched.detected)
    assert np.array_equal(whole.false_alarms, batched.false_alarms)


@pytest.mark.parametrize("baseline", BASELINES)
def test_a_series_of_one_value_has_no_row_that_alarms(baseline):
    prepared = detector.prepare(series(np.full(500, 3.0)))
    assert detector.alarm_rows(prepared, Setting(theta=0.5, baseline=baseline)).size == 0
