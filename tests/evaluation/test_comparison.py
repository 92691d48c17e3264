"""Two vectors on one stored series: the gate's figures, told incident by incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from apps.analysis import detector, gate
from apps.analysis.accounting import COOL_DOWN_US
from apps.analysis.cases import Case
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES
from apps.common.errors import NotFoundError
from apps.evaluation import comparison
from apps.telemetry import reading
from apps.telemetry import services as telemetry
from apps.telemetry.models import OutcomeLabel
from apps.telemetry.registry import ensure_series
from apps.telemetry.sources import read_bytes

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency_p99"
START = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)
INCIDENT_ROWS = (1200, 2400, 3600, 4800)
CHANGE = {"min_rel": 1.5}


def load(*, incidents: tuple[int, ...] = INCIDENT_ROWS, gap: slice | None = None) -> None:
    """Three weeks of noise around 100 with short bursts to 160 and long incidents to 400, labelled."""
    values = 100 + np.random.default_rng(7).normal(0, 2, 21 * 288)
    for first in range(900, 5400, 600):
        values[first : first + 6] = 160
    for first in INCIDENT_ROWS:
        values[first : first + 24] = 400
    kept = np.ones(len(values), dtype=bool)
    if gap:
        kept[gap] = False
    lines = [
        f"{(START + row * STEP).isoformat()},{value:.3f}" for row, value in enumerate(values) if kept[row]
    ]
    telemetry.import_series(
        reading=read_bytes(("timestamp,value\n" + "\n".join(lines)).encode(), series_id=SERIES, file="x.csv")
    )
    for first in incidents:
        label(first)


def label(first: int, rows: int = 24, **flags: bool) -> None:
    OutcomeLabel.objects.create(
        series=ensure_series(SERIES),
        start_at=START + first * STEP,
        end_at=START + (first + rows) * STEP,
        kind="incident",
        source="test",
        **flags,
    )


def by_gate(change, active=None):
    found = {SERIES: (reading.read(SERIES), reading.labels(SERIES))}
    return gate.evaluate(found, change, active={SERIES: active or {}})


@pytest.mark.parametrize(
    ("active", "change"),
    [
        ({}, CHANGE),
        ({}, {"direction": "down"}),
        ({"theta_log2": -1.0}, {"theta_log2": 1.0, "persist_k": 5, "persist_n": 6}),
        (CHANGE, {"hard_hi": 150.0}),
        ({}, {}),
    ],
)
def test_the_training_part_has_the_numbers_of_the_gate(active, change):
    load()
    found = comparison.compare(SERIES, active, {**active, **change})
    report = by_gate(change, active)
    before, after = found.train
    effect = report.series[SERIES]
    assert (after.detected - before.detected, after.false_alarms - before.false_alarms) == (
        effect.d_tp,
        effect.d_fp,
    )
    assert (before.incidents, before.false_alarms) == (effect.n_incidents, effect.n_benign)
    assert sum(outcome.lost for outcome in found.incidents if outcome.part == "train") == effect.lost
    assert found.split_hash == report.split_hash
    assert found.lam == report.lam


def test_incidents_and_episodes_add_up_to_the_counts():
    load()
    found = comparison.compare(SERIES, {}, CHANGE)
    assert [outcome.part for outcome in found.incidents] == ["train", "train", "test", "test"]
    for part, counts in (("train", found.train), ("test", found.test)):
        own = [outcome for outcome in found.incidents if outcome.part == part]
        delays = [outcome.before_delay_s for outcome in own if outcome.before_delay_s is not None]
        assert tuple(delays) == counts[0].delays_s
        assert len(own) == counts[0].incidents == counts[1].incidents
    assert found.train[0].false_alarms + found.test[0].false_alarms <= len(found.before_false)
    assert found.after_false == []
    assert len(found.before_alarms) >= len(found.before_false) > 0
    assert found.lost_alarms == found.before_false
    assert found.gained_alarms == []


def test_alarms_are_exactly_those_of_the_detector():
    load()
    found = comparison.compare(SERIES, {}, CHANGE)
    prepared = detector.prepare(reading.read(SERIES))
    at = prepared.telemetry.times[detector.alarms(prepared, apply(DEFAULT_SETTING, CHANGE))]
    inside = [any(span.start_us <= moment <= span.end_us for span in found.after_alarms) for moment in at]
    assert all(inside)
    assert {span.start_us for span in found.after_alarms} <= set(at.tolist())


def test_a_change_that_makes_deaf_shows_each_incident_as_lost():
    load()
    found = comparison.compare(SERIES, {}, {"direction": "down"})
    assert all(outcome.lost and not outcome.gained for outcome in found.incidents)
    back = comparison.compare(SERIES, {"direction": "down"}, {})
    assert all(outcome.gained and not outcome.lost for outcome in back.incidents)


def test_the_future_changes_nothing_in_the_past():
    load()
    whole = comparison.compare(SERIES, {}, {"theta_log2": 0.5})
    cut_off = reading.read(SERIES, end=START + 3000 * STEP)
    case = Case.build(cut_off, reading.labels(SERIES), GENERAL_RULES)
    part = comparison.weigh(SERIES, case, *whole.settings)
    limit = int(cut_off.times[-1]) - COOL_DOWN_US
    early = [span for span in whole.after_alarms if span.end_us < limit]
    assert [span for span in part.after_alarms if span.end_us < limit] == early


def test_drills_and_the_hold_out_are_left_out():
    load(incidents=INCIDENT_ROWS[:2])
    label(INCIDENT_ROWS[2], is_drill=True)
    label(INCIDENT_ROWS[3], is_holdout=True)
    assert len(comparison.compare(SERIES, {}, CHANGE).incidents) == 2


def test_a_series_without_incidents_has_false_alarms_alone():
    load(incidents=())
    found = comparison.compare(SERIES, {}, CHANGE)
    assert found.incidents == []
    assert found.train[0].incidents == 0
    assert len(found.before_false) > len(found.after_false) > 0


def test_a_series_without_samples_has_nothing_to_say():
    ensure_series(SERIES)
    label(10)
    found = comparison.compare(SERIES, {}, CHANGE)
    assert (found.incidents, found.before_alarms, found.after_false) == ([], [], [])
    assert found.train[0].monitored_us == found.test[0].monitored_us == 0


def test_a_silence_in_an_incident_is_a_missed_incident():
    load(gap=slice(INCIDENT_ROWS[1] - 5, INCIDENT_ROWS[1] + 120))
    outcomes = comparison.compare(SERIES, {}, CHANGE).incidents
    assert [outcome.before_delay_s is None for outcome in outcomes] == [False, True, False, False]


def test_an_incident_across_the_cut_is_shown_and_not_scored():
    load(incidents=())
    label(3000, rows=60)
    found = comparison.compare(SERIES, {}, CHANGE)
    assert [outcome.part for outcome in found.incidents] == ["unscored"]
    assert found.train[0].incidents == found.test[0].incidents == 0


def test_an_unknown_series_and_a_broken_column_are_refused():
    with pytest.raises(NotFoundError):
        comparison.compare("no/such", {}, {})
    ensure_series(SERIES)
    with pytest.raises(ValueError, match="direction"):
        comparison.compare(SERIES, {}, {"direction": "sideways"})
