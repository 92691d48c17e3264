from __future__ import annotations

import pytest

from apps.common.errors import require
from apps.impact import holding, measuring
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel
from tests.insights.making import approve, propose

from . import making

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def test_what_the_gate_has_seen_is_never_held_out() -> None:
    """Labels that go away move today's cut back into what the backtest saw."""
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    revision = require(measuring.subject(insight), "served")
    seen_us = revision.gate_results.get().report["series"][making.QUEUE_SERIES]["end_us"]
    labels = OutcomeLabel.objects.filter(series=making.QUEUE_SERIES, kind="incident").order_by("start_at")
    OutcomeLabel.objects.filter(pk__in=[label.pk for label in labels[2:3]]).delete()
    second, third = labels[1], labels[2]
    OutcomeLabel.objects.filter(pk=third.pk).delete()
    held = require(holding.held_out(making.QUEUE_SERIES, revision), "samples")
    case = held.case
    assert reading.to_us(second.start_at) < seen_us
    assert int(case.telemetry.times[case.split.test.first]) > seen_us
    assert int(case.telemetry.times[case.split.test.first - 1]) <= seen_us
    assert case.split.test.incidents == ()


def test_a_cut_that_moved_on_stays_where_it_is() -> None:
    making.shop(making.QUEUE_SERIES)
    revision = require(measuring.subject(making.lesson(making.QUEUE)), "served")
    held = require(holding.held_out(making.QUEUE_SERIES, revision), "samples")
    seen_us = revision.gate_results.get().report["series"][making.QUEUE_SERIES]["end_us"]
    assert seen_us < held.case.split.cut_us
    assert len(held.case.split.test.incidents) == 2


def test_the_incident_that_the_insight_was_learnt_from_is_left_out_and_counted_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    before = making.replayed(insight)
    late = OutcomeLabel.objects.filter(series=making.QUEUE_SERIES, kind="incident").latest("start_at")
    OutcomeLabel.objects.filter(pk=late.pk).update(source="incident:77")
    monkeypatch.setattr(holding, "own_source", lambda _: frozenset({"incident:77"}))
    found = making.replayed(insight)
    assert (len(before.incidents), len(found.incidents)) == (2, 1)
    assert (before.excluded["own_incident"], found.excluded["own_incident"]) == (0, 1)
    assert found.false_alarms == before.false_alarms, "its alarms are still no false ones"


def test_a_series_without_samples_has_no_held_out_part() -> None:
    insight = approve(propose(scope={"series": ["other/place"]}))
    assert holding.held_out("other/place", require(measuring.subject(insight), "served")) is None
