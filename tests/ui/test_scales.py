"""Grids and the samples that a picture keeps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ui import scales

pytestmark = pytest.mark.unit


def us(*parts: int) -> int:
    return round(dt.datetime(*parts, tzinfo=dt.UTC).timestamp()) * 1_000_000  # type: ignore[arg-type,misc]


def test_ticks_of_a_day_are_hours_and_midnight_is_a_date() -> None:
    ticks = scales.time_ticks(us(2026, 11, 20, 22), us(2026, 11, 21, 10))
    assert [label for _, label in ticks] == ["22:00", "21 Nov", "02:00", "04:00", "06:00", "08:00", "10:00"]


def test_ticks_of_weeks_are_mondays_and_of_years_months() -> None:
    weeks = scales.time_ticks(us(2026, 10, 1), us(2026, 11, 20))
    assert {scales.at(at).weekday() for at, _ in weeks} == {0}
    months = scales.time_ticks(us(2025, 1, 15), us(2026, 11, 20))
    assert [label for _, label in months][:2] == ["Apr 2025", "Jul 2025"]
    assert all(scales.at(at).day == 1 for at, _ in months)


@given(st.integers(0, 4 * 10**15), st.integers(1, 3 * 10**15))
def test_ticks_lie_within_and_are_few(start: int, span: int) -> None:
    ticks = scales.time_ticks(start, start + span)
    assert all(start <= at <= start + span for at, _ in ticks)
    assert len(ticks) <= 10


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_value_ticks_enclose_the_range(low: float, span: float) -> None:
    high = low + span
    ticks = scales.value_ticks(low, high)
    slack = (ticks[-1] - ticks[0]) * 1e-6
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 12
    assert len(set(scales.value_labels(ticks))) >= 2 or span < abs(low) * 1e-12


def test_labels_share_their_decimals_and_unit() -> None:
    assert scales.value_labels([0, 0.5, 1.0]) == ["0.0", "0.5", "1.0"]
    assert scales.value_labels([0, 20_000, 40_000]) == ["0k", "20k", "40k"]
    assert scales.value_labels([-2, 0, 2]) == ["\u22122", "0", "2"]


def test_a_constant_series_has_a_range() -> None:
    assert scales.value_ticks(5, 5)[0] < 5 < scales.value_ticks(5, 5)[-1]
    assert scales.value_range(np.array([np.nan])) == (0.0, 1.0)
    assert scales.value_range(np.array([1.0, 9.0])) == (0.0, 9.0)
    assert scales.value_range(np.array([8.0, 9.0])) == (8.0, 9.0)


@given(st.integers(1, 5000), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_decimation_keeps_extremes_and_is_small(n: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.integers(1, 1000, n)).astype(np.int64)
    values = rng.normal(0, 1, n)
    values[rng.random(n) < 0.1] = np.nan
    kept = scales.decimate(times, values, start_us=int(times[0]), end_us=int(times[-1]), columns=columns)
    assert len(kept) <= 2 * columns
    assert (np.diff(kept) > 0).all()
    finite = values[np.isfinite(values)]
    if len(finite):
        assert values[kept].min() == finite.min()
        assert values[kept].max() == finite.max()


def test_missing_values_and_pauses_begin_a_new_run() -> None:
    times = np.array([0, 10, 20, 30, 40, 100, 110], dtype=np.int64)
    values = np.array([1, 1, np.nan, 1, 1, 1, 1.0])
    assert scales.runs(times, values).tolist() == [0, 0, -1, 1, 1, 2, 2]
    assert scales.runs(times[:0], values[:0]).tolist() == []
