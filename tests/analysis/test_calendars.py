"""Suppression and calendar exceptions, from the signal to the alarm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analysis import detector, profiles
from apps.analysis.calendars import CalendarException, Suppression
from apps.analysis.types import DAY_US, HOUR_US, Setting, Telemetry

from .makers import START_US, calm, series

pytestmark = pytest.mark.unit

PLAIN = Setting(theta=8.0, baseline="daily")
NIGHT = {"rrule": "FREQ=DAILY;BYHOUR=2", "duration": 3600, "reason": "nightly batch"}


def setting(kind, value, default=PLAIN):
    return profiles.apply(default, profiles.compile_signal(kind, value))


def alarms(telemetry, given):
    return np.flatnonzero(detector.alarms(detector.prepare(telemetry), given))


def with_burst(day, hour, rows=12, height=60.0):
    """Ten calm days of 5-minute samples and one burst; its first row as well."""
    values = calm(10 * 288)
    first = day * 288 + hour * 12
    values[first : first + rows] += height
    return series(values), first


def test_a_suppressed_window_is_silent_and_only_it():
    telemetry, first = with_burst(8, 2, rows=18)
    assert set(range(first, first + 18)) <= set(alarms(telemetry, PLAIN))
    quiet = alarms(telemetry, setting("suppress", NIGHT))
    assert set(quiet) == set(alarms(telemetry, PLAIN)) - set(range(first, first + 12))


def test_what_happens_in_the_window_does_not_count_for_persistence():
    telemetry, first = with_burst(8, 2, rows=13)
    patient = Setting(theta=8.0, baseline="daily", persist_k=3, persist_n=3)
    assert first + 12 in alarms(telemetry, patient)
    assert first + 12 not in alarms(telemetry, setting("suppress", NIGHT, patient))


def test_a_hard_limit_alarms_in_the_window_too():
    telemetry, first = with_burst(8, 2)
    limited = Setting(theta=8.0, baseline="daily", hard_hi=150.0)
    assert set(range(first, first + 12)) <= set(alarms(telemetry, setting("suppress", NIGHT, limited)))


@pytest.mark.parametrize("baseline", ["level", "daily", "weekly", "either"])
def test_a_day_that_is_said_to_be_twice_as_high_is_no_finding(baseline):
    values = calm(20 * 288)
    values[18 * 288 : 19 * 288] *= 2
    telemetry = series(values)
    day = datetime.fromtimestamp((START_US + 18 * DAY_US) / 1e6, UTC).date().isoformat()
    plain = Setting(theta=8.0, baseline=baseline)
    told = setting("calendar_exception", {"dates": [day], "expectation": {"scale": 2}}, plain)
    on_the_day = set(range(18 * 288, 19 * 288))
    assert on_the_day & set(alarms(telemetry, plain))
    assert not on_the_day & set(alarms(telemetry, told))
    values[18 * 288 + 100 : 18 * 288 + 110] *= 0.5  # the usual value is the finding now
    assert set(range(18 * 288 + 100, 18 * 288 + 110)) <= set(alarms(series(values), told))


def test_a_holiday_looks_like_a_weekend():
    days = np.repeat(np.arange(21), 288)
    values = calm(21 * 288) * np.where(days % 7 >= 5, 0.3, 1.0)  # the series starts on a Monday
    holiday = 15  # a Tuesday
    values[holiday * 288 : (holiday + 1) * 288] *= 0.3
    telemetry = series(values)
    rows = set(range(holiday * 288, (holiday + 1) * 288))
    date = datetime.fromtimestamp((START_US + holiday * DAY_US) / 1e6, UTC).date().isoformat()
    plain = Setting(theta=8.0, baseline="daily")
    told = setting("calendar_exception", {"dates": [date], "expectation": "other_day_type"}, plain)
    assert rows & set(alarms(telemetry, plain))
    assert not rows & set(alarms(telemetry, told))


def test_exceptional_days_may_follow_a_rule_and_a_zone():
    zone = "DTSTART;TZID=Europe/Berlin:20240101T000000\nRRULE:FREQ=MONTHLY;BYMONTHDAY=1"
    told = CalendarException(rrule=zone)
    times = START_US + np.arange(-3, 30, dtype=np.int64) * HOUR_US
    inside = times[told.mask(times)]
    assert inside[0] == START_US - HOUR_US  # midnight in Berlin
    assert inside[-1] == START_US + 22 * HOUR_US


SIGNALS = st.sampled_from(
    [
        ("suppress", NIGHT),
        ("suppress", {"rrule": "FREQ=WEEKLY;BYDAY=TU", "duration": 86400, "reason": "maintenance"}),
        ("calendar_exception", {"rrule": "FREQ=WEEKLY;BYDAY=WE", "expectation": {"scale": 3}}),
        ("calendar_exception", {"rrule": "FREQ=WEEKLY;BYDAY=TH,SA", "expectation": "other_day_type"}),
        ("calendar_exception", {"dates": ["2024-01-05"], "expectation": "other_day_type"}),
    ]
)


@given(
    signal=SIGNALS,
    rows=st.integers(300, 2000),
    seed=st.integers(0, 9),
    gap=st.integers(0, 200),
    baseline=st.sampled_from(["level", "daily", "weekly", "either"]),
)
@settings(max_examples=40, deadline=None)
def test_nothing_looks_ahead(signal, rows, seed, gap, baseline):
    rng = np.random.default_rng(seed)
    whole = series(calm(2016, seed=seed) + 40 * (rng.random(2016) > 0.99))
    kept = np.ones(2016, dtype=bool)
    kept[400 : 400 + gap] = False
    whole = Telemetry(whole.times[kept], whole.values[kept])
    rows = min(rows, len(whole))
    kind, value = signal
    told = setting(kind, value, Setting(theta=6.0, baseline=baseline, persist_k=2, persist_n=3))
    part = Telemetry(whole.times[:rows], whole.values[:rows])
    full = detector.scores(detector.prepare(whole), told)[:rows]
    assert np.array_equal(full, detector.scores(detector.prepare(part), told))


def test_an_empty_series_has_no_alarm():
    empty = Telemetry(np.array([], dtype=np.int64), np.array([]))
    for kind, value in (
        ("suppress", NIGHT),
        ("calendar_exception", {"dates": ["2024-01-05"], "expectation": "other_day_type"}),
    ):
        assert detector.alarms(detector.prepare(empty), setting(kind, value)).size == 0


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("suppress", NIGHT),
        ("suppress", {"rrule": "rrule:byhour=3;freq=daily", "duration": 90 * 60, "reason": "Bänke"}),
        ("calendar_exception", {"dates": ["2026-12-25", "2026-12-24"], "expectation": {"scale": 0.5}}),
        ("calendar_exception", {"rrule": "FREQ=WEEKLY;BYDAY=SA", "expectation": "other_day_type"}),
    ],
)
def test_a_column_says_what_the_signal_said(kind, value):
    columns = profiles.compile_signal(kind, value)
    (text,) = columns.values()
    assert isinstance(text, str)
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    made = profiles.apply(PLAIN, columns)
    assert hash(made) == hash(profiles.apply(PLAIN, dict(columns)))
    again = made.suppress or made.calendar
    assert isinstance(again, Suppression | CalendarException)


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        ("suppress", {}, "is missing"),
        ("suppress", {"rrule": "FREQ=DAILY", "duration": 3600}, "reason is missing"),
        ("suppress", NIGHT | {"reason": "  "}, "reason must be a text"),
        ("suppress", NIGHT | {"reason": "x" * 501}, "reason must be a text"),
        ("suppress", NIGHT | {"reason": "a\x00b"}, "reason must be a text"),
        ("suppress", NIGHT | {"reason": 5}, "reason must be a text"),
        ("suppress", NIGHT | {"duration": 59}, "duration must be between"),
        ("suppress", NIGHT | {"duration": 86401}, "duration must be between"),
        ("suppress", NIGHT | {"duration": "1h"}, "duration must be a number"),
        ("suppress", NIGHT | {"duration": 90.5}, "duration must be a whole number"),
        ("suppress", NIGHT | {"rrule": 7}, "rrule must be a text"),
        ("suppress", NIGHT | {"rrule": "FREQ=MINUTELY"}, "FREQ must be one of"),
        ("suppress", NIGHT | {"duration": 13 * 3600}, "54% of a week; at most 50%"),
        ("suppress", NIGHT | {"x": 1}, "x is not known"),
        ("suppress", "nightly", "value must be an object"),
        ("calendar_exception", {"dates": ["2026-12-24"]}, "expectation is missing"),
        ("calendar_exception", {"expectation": "other_day_type"}, "dates or rrule must be given"),
        (
            "calendar_exception",
            {"dates": ["2026-12-24"], "rrule": "FREQ=DAILY", "expectation": "other_day_type"},
            "not both",
        ),
        ("calendar_exception", {"dates": ["24.12.2026"], "expectation": "other_day_type"}, "dates must be"),
        ("calendar_exception", {"dates": ["2026-02-30"], "expectation": "other_day_type"}, "dates must be"),
        ("calendar_exception", {"dates": "2026-12-24", "expectation": "other_day_type"}, "list of days"),
        ("calendar_exception", {"dates": [1], "expectation": "other_day_type"}, "list of days"),
        ("calendar_exception", {"dates": ["1066-10-14"], "expectation": "other_day_type"}, "between 1970"),
        ("calendar_exception", {"dates": ["2026-12-24"], "expectation": "usual"}, "expectation must be"),
        ("calendar_exception", {"dates": ["2026-12-24"], "expectation": {"scale": 11}}, "scale must be"),
        ("calendar_exception", {"dates": ["2026-12-24"], "expectation": {"scale": True}}, "scale must be"),
        ("calendar_exception", {"dates": ["2026-12-24"], "expectation": {}}, "scale is missing"),
        ("calendar_exception", {"rrule": "FREQ=HOURLY", "expectation": {"scale": 2}}, "FREQ"),
    ],
)
def test_a_bad_value_is_refused_by_name(kind, value, why):
    with pytest.raises(ValueError, match=why):
        profiles.compile_signal(kind, value)


@pytest.mark.parametrize("column", ["suppress_json", "calendar_json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", '{"rrule":"FREQ=DAILY"}', "[" * 100_000, 7])
def test_a_broken_column_is_a_value_error(column, text):
    with pytest.raises(ValueError, match=column):
        profiles.apply(PLAIN, {column: text})


def test_too_many_dates_are_refused():
    days = [f"{year}-01-{day:02d}" for year in range(1990, 2010) for day in range(1, 32)]
    with pytest.raises(ValueError, match="at most 366"):
        profiles.compile_signal("calendar_exception", {"dates": days, "expectation": "other_day_type"})
