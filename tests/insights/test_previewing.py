"""The preview: exactly what the detector would do on the training part, and what the gate says of it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from apps.accounts.models import Role
from apps.analysis import detector
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.insights import gating, previewing
from apps.insights.drafts import clean_signals
from apps.insights.models import Revision
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series
from apps.telemetry.registry import ensure_series
from tests.insights.making import approve, person, propose
from tests.insights.test_gate import SERIES, START, STEP, load

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SCOPE = {"series": [SERIES]}
HELPS = [{"kind": "min_effect", "value": {"rel": 1.5}}]
QUIET_NIGHTS = {"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "duration": 5400, "reason": "batch"}


def shown(signals, scope=None, **more):
    return previewing.preview(scope or SCOPE, clean_signals(signals), person(Role.VIEWER), **more)


def times_of(vector):
    prepared = detector.prepare(reading.read(SERIES))
    return prepared.telemetry.times[detector.alarms(prepared, apply(DEFAULT_SETTING, vector))]


def covers(spans, times):
    inside = np.zeros(len(times), dtype=bool)
    for span in spans:
        inside |= (times >= span.start_us) & (times <= span.end_us)
    return bool(inside.all()) and {span.start_us for span in spans} <= set(times.tolist())


@pytest.mark.parametrize(
    "signals",
    [
        HELPS,
        [{"kind": "theta_scale", "value": 2.0}, {"kind": "direction", "value": "up"}],
        [{"kind": "suppress", "value": QUIET_NIGHTS}],
        [
            {
                "kind": "calendar_exception",
                "value": {"rrule": "FREQ=WEEKLY;BYDAY=SA", "expectation": {"scale": 2}},
            }
        ],
        [{"kind": "persistence", "value": {"k": 8, "n": 10}}],
    ],
)
def test_the_preview_is_what_the_detector_would_do(signals):
    load()
    found = shown(signals)
    (one,) = found.series
    change = {column: value for signal in clean_signals(signals) for column, value in signal.columns.items()}
    assert covers(one.comparison.before_alarms, times_of({}))
    assert covers(one.comparison.after_alarms, times_of(change))
    judged = gating.judge(SCOPE, change)
    assert (found.verdict, found.reason) == (judged.verdict, judged.reason)
    report = judged.report
    assert one.after.false_alarms - one.before.false_alarms == report["d_fp"]
    assert one.after.detected - one.before.detected == report["d_tp"]


def test_only_what_may_be_learnt_from_is_shown():
    load()
    (one,) = shown(HELPS).series
    assert len(one.incidents) == 2
    assert len(one.comparison.incidents) == 4
    assert one.lost
    assert all(span.start_us < one.comparison.cut_us for span in [*one.lost, *one.gained, *one.benign])
    before, after = one.per_day
    assert before is not None
    assert after == 0 < before


def test_before_is_what_is_served_and_a_narrower_insight_overrules():
    load()
    served = approve(propose(signals=HELPS))
    (one,) = shown([{"kind": "theta_scale", "value": 1.0}]).series
    assert covers(one.comparison.before_alarms, times_of({"min_rel": 1.5}))
    wide = {"service": "checkout"}
    (over,) = shown([{"kind": "min_effect", "value": {"rel": 0.1}}], wide).series
    assert over.overruled == ["min_effect"]
    assert over.comparison.after_alarms == over.comparison.before_alarms
    (revised,) = shown([{"kind": "theta_scale", "value": 1.0}], without=served.pk).series
    assert covers(revised.comparison.after_alarms, times_of({"theta_log2": 1.0}))
    assert Revision.objects.count() == 1


def test_a_suggestion_names_its_figures_and_passes_the_gate():
    load()
    found = shown([])
    assert found.verdict == ""
    assert found.suggestions
    for one in found.suggestions:
        change = clean_signals([{"kind": one.kind, "value": one.value}])[0].columns
        assert gating.judge(SCOPE, change).verdict == "passed"
        assert "no incident lost" in one.reason
    assert any("smallest of an incident" in one.reason for one in found.suggestions)


def test_what_cannot_be_shown_is_said(monkeypatch):
    assert shown(HELPS).series == []
    load()
    ensure_series("checkout/elsewhere")
    found = shown(HELPS, {"service": "checkout"})
    assert (found.n_series, len(found.series)) == (2, 1)
    assert "1 of 2 series have no samples" in found.said[0]
    monkeypatch.setattr(previewing, "MAX_SAMPLES", 100)
    small = shown(HELPS)
    assert small.series == []
    assert "at most" in small.said[0]


def test_a_second_look_is_kept_and_a_new_label_makes_a_new_one():
    load(incidents=0)
    first = shown(HELPS)
    started = time.perf_counter()
    assert shown(HELPS) is first
    assert time.perf_counter() - started < 1
    OutcomeLabel.objects.create(
        series=Series.objects.get(pk=SERIES),
        start_at=START + 1200 * STEP,
        end_at=START + 1224 * STEP,
        kind="incident",
        source="test",
    )
    again = shown(HELPS)
    assert again is not first
    assert len(again.series[0].comparison.incidents) == 1
