"""Labels that an upper room keeps up to date by their source."""

from __future__ import annotations

import pytest
from django.db import transaction

from apps.analysis.types import Interval
from apps.common.errors import InvalidInputError
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel
from apps.telemetry.services import LabelsSet, ensure_series, import_labels, set_labels
from apps.telemetry.sources import Label
from tests.audit.conftest import in_threads

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency"


@pytest.fixture
def series() -> str:
    return ensure_series(SERIES).pk


def label(start: int, end: int, kind: str = "incident") -> Label:
    return Label(SERIES, Interval(start_us=start, end_us=end), kind)


def test_a_source_says_just_what_it_says_now(series: str) -> None:
    assert set_labels(source="a", labels=[label(1, 2), label(3, 4)]) == LabelsSet(2, 0, 0)
    assert set_labels(source="a", labels=[label(3, 4), label(5, 6)]) == LabelsSet(1, 1, 1)
    assert reading.labels(series) == [Interval(start_us=3, end_us=4), Interval(start_us=5, end_us=6)]
    assert set_labels(source="a", labels=[]) == LabelsSet(0, 2, 0)
    assert reading.labels(series) == []


def test_changed_flags_replace_the_label(series: str) -> None:
    set_labels(source="a", labels=[label(1, 2)])
    assert set_labels(source="a", labels=[label(1, 2)], is_holdout=True) == LabelsSet(1, 1, 0)
    assert reading.labels(series) == []
    assert set_labels(source="a", labels=[label(1, 2)], is_drill=True) == LabelsSet(1, 1, 0)
    assert reading.labels(series, include_holdout=True) == []


def test_sources_do_not_touch_each_other_and_an_interval_counts_once(series: str) -> None:
    import_labels(labels=[label(1, 2)], source="file.csv")
    set_labels(source="a", labels=[label(1, 2)])
    set_labels(source="b", labels=[label(1, 2)])
    assert OutcomeLabel.objects.count() == 3
    assert reading.labels(series) == [Interval(start_us=1, end_us=2)]
    for source in ("a", "b"):
        set_labels(source=source, labels=[])
    assert reading.labels(series) == [Interval(start_us=1, end_us=2)]
    assert import_labels(labels=[label(1, 2)], source="other.csv").added == 0


def test_a_series_that_is_not_there_is_refused_and_nothing_changes(series: str) -> None:
    set_labels(source="a", labels=[label(1, 2)])
    with pytest.raises(InvalidInputError, match="no series"):
        set_labels(source="a", labels=[Label("web/unknown", Interval(start_us=1, end_us=2))])
    assert len(reading.labels(series)) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_leave_one_set(series: str) -> None:
    def work(number: int) -> None:
        with transaction.atomic():
            set_labels(source="a", labels=[label(number, 100)])

    in_threads(8, work)
    assert OutcomeLabel.objects.count() == 1
