from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis import detector, windows
from apps.analysis.types import (
    BASELINES,
    DAY_US,
    DIRECTIONS,
    HOUR_US,
    MINUTE_US,
    SECOND_US,
    Setting,
    Telemetry,
)
from tests.analysis.makers import START_US, calm, series

pytestmark = pytest.mark.unit

SETTINGS = st.builds(
    lambda theta, direction, min_rel, min_abs, persistence, baseline, limits: Setting(
        theta=theta,
        direction=direction,
        min_rel=min_rel,
        min_abs=min_abs,
        persist_k=persistence[0],
        persist_n=persistence[1],
        baseline=baseline,
        hard_lo=limits[0],
        hard_hi=limits[1],
    ),
    st.sampled_from([0.5, 3.0, 8.0, 1e12]),
    st.sampled_from(DIRECTIONS),
    st.sampled_from([0.0, 0.3]),
    st.sampled_from([0.0, 5.0]),
    st.sampled_from([(1, 1), (2, 2), (2, 3), (4, 9)]),
    st.sampled_from(BASELINES),
    st.sampled_from([(None, None), (-50.0, None), (None, 50.0), (-1.0, 1.0)]),
)
STEPS = st.one_of(
    st.sampled_from([SECOND_US, MINUTE_US, HOUR_US, DAY_US]).map(lambda step: [step]),
    st.lists(st.integers(1, 3 * DAY_US), min_size=1, max_size=30),
)
VALUES = st.one_of(
    st.floats(-100, 100), st.sampled_from([0.0, 7.0, np.nan, np.inf, -np.inf, 1e308, -1e308, 1e-300])
)


@st.composite
def telemetries(draw):
    """Any cadence, irregular or not, with gaps, constants and absurd values, up to a few hundred rows."""
    pattern = draw(st.lists(VALUES, min_size=1, max_size=40))
    rows = draw(st.integers(0, 300))
    steps = draw(STEPS)
    times = START_US + np.cumsum(np.resize(np.array(steps, dtype=np.int64), rows))
    noise = draw(st.sampled_from([0.0, 1.0]))
    values = np.resize(np.array(pattern), rows) + noise * np.random.default_rng(rows).standard_normal(rows)
    return Telemetry(times, values)


@settings(max_examples=250, deadline=None)
@given(telemetry=telemetries(), setting=SETTINGS, share=st.floats(0, 1), points=st.sampled_from([3, 16, 288]))
def test_cutting_off_the_future_changes_no_earlier_score_or_alarm(telemetry, setting, share, points):
    rows = int(share * len(telemetry))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("error")
        patch.setattr(windows, "MAX_POINTS", points)  # small, so that crowded windows are met in short series
        patch.setattr(windows, "CHUNK_ROWS", 64)
        whole = detector.prepare(telemetry)
        cut = detector.prepare(Telemetry(telemetry.times[:rows], telemetry.values[:rows]))
        scores = detector.scores(whole, setting)
        assert np.array_equal(detector.scores(cut, setting), scores[:rows])
        assert np.array_equal(detector.alarms(cut, setting), detector.alarms(whole, setting)[:rows])
    assert np.isfinite(scores).all()
    assert ((scores >= 0) & (scores <= detector.SCORE_MAX)).all()


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize(
    "cadence_us",
    [SECOND_US, MINUTE_US, 5 * MINUTE_US, HOUR_US, DAY_US],
    ids=["1s", "1min", "5min", "1h", "1d"],
)
def test_a_spike_alarms_at_every_cadence_and_calm_does_not(baseline, cadence_us):
    values = calm(600)
    values[500] += 50
    alarms = detector.alarms(
        detector.prepare(series(values, cadence_us=cadence_us)), Setting(theta=12.0, baseline=baseline)
    )
    assert np.flatnonzero(alarms).tolist() == [500]


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
@pytest.mark.parametrize("baseline", BASELINES)
def test_a_series_of_a_few_samples_gives_no_alarm(rows, baseline):
    prepared = detector.prepare(series(np.arange(rows) ** 9))
    assert not detector.alarms(
        prepared, Setting(theta=0.1, baseline=baseline, persist_k=2, persist_n=3)
    ).any()
    assert detector.scores(prepared, Setting(baseline=baseline)).shape == (rows,)


@pytest.mark.parametrize("level", [0.0, 5.0, -1e9, 1e140])
def test_a_constant_series_never_alarms_and_its_first_change_does(level):
    values = np.full(400, level)
    assert not detector.alarms(detector.prepare(series(values)), Setting(theta=0.5)).any()
    values[350] = level * 2 + 1
    scores = detector.scores(detector.prepare(series(values)), Setting())
    assert np.flatnonzero(scores >= 20).tolist() == [350]


def test_a_series_of_gaps_alone_gives_no_alarm():
    prepared = detector.prepare(series([np.nan, np.inf, -np.inf] * 50))
    assert detector.scores(prepared, Setting(hard_hi=1.0)).tolist() == [0.0] * 150


def test_gaps_neither_alarm_nor_break_persistence():
    values = calm(400)
    values[300:304] += 50
    values[301] = np.nan
    setting = Setting(theta=12.0, persist_k=2, persist_n=2)
    assert np.flatnonzero(detector.alarms(detector.prepare(series(values)), setting)).tolist() == [302, 303]


def test_rare_blips_of_a_still_series_are_measured_by_their_own_size():
    # The median residual is 0; the mean one keeps ordinary blips from being infinitely surprising.
    values = np.zeros(2000)
    values[::20] = 1.0
    values[1510] = 40.0
    scores = detector.scores(detector.prepare(series(values)), Setting())
    assert scores[1500] < 20
    assert scores[1510] > 300


def test_z_is_about_one_standard_deviation():
    scores = detector.scores(detector.prepare(series(calm(5000))), Setting())
    assert 0.93 < np.sqrt(np.mean(scores[1000:] ** 2)) < 1.07


def test_direction_decides_which_side_alarms():
    values = calm(400)
    values[300] += 50
    values[350] -= 50
    prepared = detector.prepare(series(values))
    found = {
        direction: np.flatnonzero(
            detector.alarms(prepared, Setting(theta=12.0, direction=direction))
        ).tolist()
        for direction in DIRECTIONS
    }
    assert found == {"up": [300], "down": [350], "both": [300, 350]}


def test_effects_below_the_minimum_do_not_alarm():
    values = calm(400)
    values[300] += 20
    values[350] += 60
    prepared = detector.prepare(series(values))
    assert np.flatnonzero(detector.alarms(prepared, Setting(min_rel=0.4))).tolist() == [350]
    assert np.flatnonzero(detector.alarms(prepared, Setting(min_abs=40.0))).tolist() == [350]
    assert np.flatnonzero(detector.alarms(prepared, Setting(min_rel=0.1, min_abs=10.0))).tolist() == [
        300,
        350,
    ]


def test_persistence_takes_k_of_the_last_n_samples():
    values = calm(400)
    values[[300, 302, 303]] += 50
    prepared = detector.prepare(series(values))
    assert np.flatnonzero(detector.alarms(prepared, Setting(persist_k=2, persist_n=2))).tolist() == [303]
    assert np.flatnonzero(detector.alarms(prepared, Setting(persist_k=2, persist_n=3))).tolist() == [
        302,
        303,
        304,
    ]
    assert np.flatnonzero(detector.alarms(prepared, Setting(persist_k=3, persist_n=3))).tolist() == []


def test_a_hard_limit_alarms_at_once_whatever_the_threshold():
    values = calm(400)
    values[[3, 300]] = 120.0
    values[350] = 90.0
    prepared = detector.prepare(series(values))
    setting = Setting(theta=1e12, persist_k=5, persist_n=5, hard_lo=95.0, hard_hi=110.0)
    assert np.flatnonzero(detector.alarms(prepared, setting)).tolist() == [3, 300, 350]
    assert detector.scores(prepared, setting)[300] == detector.SCORE_MAX


def test_a_daily_rhythm_is_expected_by_the_daily_baseline_only():
    rows = 14 * 24
    values = calm(rows) + 50 * (np.arange(rows) % 24 == 9)
    values[13 * 24 + 9] = 100.0  # the day on which the usual peak stays away
    prepared = detector.prepare(series(values, cadence_us=HOUR_US))
    level = np.flatnonzero(detector.alarms(prepared, Setting(theta=12.0)))
    daily = np.flatnonzero(detector.alarms(prepared, Setting(theta=12.0, baseline="daily")))
    assert {int(row) % 24 for row in level} == {9}
    assert [int(row) for row in daily if row > 4 * 24] == [13 * 24 + 9]


def test_a_weekly_rhythm_is_expected_by_the_weekly_baseline():
    rows = 8 * 7 * 24
    hour_of_week = np.arange(rows) % 168
    values = calm(rows) + 80 * (hour_of_week == 50)
    prepared = detector.prepare(series(values, cadence_us=HOUR_US))
    late = slice(4 * 168, None)
    assert not detector.alarms(prepared, Setting(theta=12.0, baseline="weekly"))[late].any()
    assert detector.alarms(prepared, Setting(theta=12.0, baseline="daily"))[late].any()


def test_either_takes_the_closest_expectation():
    rows = 14 * 24
    values = calm(rows) + 50 * (np.arange(rows) % 24 == 9)
    prepared = detector.prepare(series(values, cadence_us=HOUR_US))
    either = np.abs(prepared.view("either").residual)
    for baseline in ("level", "daily", "weekly"):
        assert (either[1:] <= np.abs(prepared.view(baseline).residual[1:])).all()


def test_slots_are_found_in_jittered_times():
    rng = np.random.default_rng(3)
    rows = 10 * 24
    times = START_US + np.arange(rows) * HOUR_US + rng.integers(-300, 300, rows) * SECOND_US
    values = calm(rows) + 50 * (np.arange(rows) % 24 == 9)
    prepared = detector.prepare(Telemetry(times, values))
    assert not detector.alarms(prepared, Setting(theta=12.0, baseline="daily"))[4 * 24 :].any()


def test_a_window_is_widened_where_a_day_holds_too_few_samples():
    times = np.arange(6, dtype=np.int64) * DAY_US
    assert windows.trailing_start(times, DAY_US, 3).tolist() == [0, 0, 0, 0, 1, 2]
    assert windows.trailing_start(times, 10 * DAY_US, 3).tolist() == [0, 0, 0, 0, 0, 0]


def test_trailing_medians_leave_the_sample_itself_and_gaps_out():
    values = np.array([5.0, 1.0, np.nan, 3.0, 100.0])
    found = windows.trailing_median(values, np.zeros(5, dtype=np.int64))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [5.0, 3.0, 3.0, 3.0]
