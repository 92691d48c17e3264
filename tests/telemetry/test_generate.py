from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from apps.analysis import gate
from apps.analysis.types import Telemetry
from apps.telemetry import reading
from apps.telemetry.demo import load_demo_telemetry
from apps.telemetry.generate import CADENCE_US, DAYS, SHOP, generate
from apps.telemetry.models import ImportRun, OutcomeLabel, Sample, Series

pytestmark = pytest.mark.unit

END = datetime(2026, 11, 21, 12, 3, tzinfo=UTC)
END_US = reading.to_us(END)
LESSONS: dict[str, dict[str, object]] = {
    "checkout/latency_p99": {"theta_log2": 1.0, "direction": "up"},
    "checkout/orders_per_min": {"direction": "down"},
    "payments/latency_p99": {"direction": "up"},
    "payments/error_rate": {"min_rel": 2.0},
    "payments/queue_depth": {"persist_k": 6, "persist_n": 8},
    "warehouse/db_connections": {"hard_hi": 85.0},
}


def test_the_same_seed_gives_the_same_shop_and_another_does_not():
    one, same, other = (generate(end_us=END_US, seed=seed) for seed in (1, 1, 2))
    assert [series.series_id for series in one] == [spec.series_id for spec in SHOP]
    for a, b, c in zip(one, same, other, strict=True):
        assert a.times.tolist() == b.times.tolist() == c.times.tolist()
        assert a.values.tolist() == b.values.tolist() != c.values.tolist()
        assert (a.incidents, a.benign) == (b.incidents, b.benign)


def test_series_end_at_the_moment_given_and_are_clean():
    for series in generate(end_us=END_US):
        assert len(series.times) == DAYS * 288
        assert series.times[-1] == END_US - END_US % CADENCE_US - CADENCE_US
        assert set(np.diff(series.times).tolist()) == {CADENCE_US}
        assert np.isfinite(series.values).all()
        assert (series.values >= 0).all()
        assert len(series.incidents) == 4
        assert all(
            series.times[0] <= each.start_us < series.times[-1]
            for each in [*series.incidents, *series.benign]
        )


@pytest.mark.parametrize("days_later", [0, 3, 100])
def test_the_lessons_in_the_shop_pass_the_gate_whenever_it_opens(days_later):
    shop = {series.series_id: series for series in generate(end_us=END_US + days_later * 86_400_000_000)}
    for name, lesson in LESSONS.items():
        series = shop[name]
        report = gate.evaluate({name: (series_telemetry(series), series.incidents)}, lesson)
        assert report.verdict == "passed", (name, report.reason)


def series_telemetry(series):
    return Telemetry(times=series.times, values=series.values)


@pytest.mark.django_db
def test_the_demo_is_loaded_once():
    assert load_demo_telemetry(end=END) == len(SHOP) == 11
    assert Series.objects.get(pk="checkout/latency_p99").unit == "ms"
    assert Series.objects.get(pk="checkout/latency_p99").cadence_s == 300.0
    assert len(reading.labels("checkout/latency_p99")) == 4
    counts = (Sample.objects.count(), OutcomeLabel.objects.count(), ImportRun.objects.count())
    assert counts[::2] == (11 * 8064, 11)
    assert load_demo_telemetry() == 0
    assert (Sample.objects.count(), OutcomeLabel.objects.count(), ImportRun.objects.count()) == counts
