"""What telemetry learns of incidents, and what it must never learn."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from apps.analysis.types import Interval
from apps.common.errors import InvalidInputError
from apps.incidents import services
from apps.incidents.metrics import TimeValue
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel
from apps.telemetry.services import import_labels
from apps.telemetry.sources import Label

from .making import START, at, declare, responder, whole

if TYPE_CHECKING:
    from apps.incidents.models import Incident

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency"
OTHER = "checkout/errors"


def span(start: float, end: float) -> Interval:
    first, last = (START + timedelta(minutes=minutes) for minutes in (start, end))
    return Interval(start_us=reading.to_us(first), end_us=reading.to_us(last))


def amend(incident: Incident, **changes: Any) -> Incident:
    return services.amend_incident(
        incident_id=incident.pk, seen_version=incident.version, editor=responder(), **changes
    )


def test_an_incident_with_start_end_and_series_is_a_label_of_each() -> None:
    by = responder()
    incident = declare(by, times=whole(), series=[SERIES, OTHER])
    assert reading.labels(SERIES) == reading.labels(OTHER) == [span(0, 60)]
    row = OutcomeLabel.objects.get(series=SERIES)
    assert (row.source, row.recorded_by, row.kind) == (f"incident:{incident.pk}", by, "incident")


def test_labels_follow_times_and_series() -> None:
    incident = declare(times={"impact_start": at(0), "mitigated": at(30)}, series=[SERIES])
    assert reading.labels(SERIES) == [span(0, 30)]
    incident = amend(incident, times={"resolved": at(45)})
    assert reading.labels(SERIES) == [span(0, 45)]
    incident = amend(incident, times={"impact_start": at(5)}, title="later")
    assert reading.labels(SERIES) == [span(5, 45)]
    declare(series=[OTHER])
    incident = amend(incident, series=[OTHER])
    assert reading.labels(SERIES) == []
    assert reading.labels(OTHER) == [span(5, 45)]
    amend(incident, times={"impact_start": TimeValue("invalid")})
    assert OutcomeLabel.objects.count() == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"is_drill": True},
        {"kind": "near_miss"},
        {"origin": "public"},
        {"state": "declined"},
        {"times": {"impact_start": at(0)}},
        {"times": {"resolved": at(0)}},
        {"series": []},
    ],
)
def test_what_is_no_real_incident_of_ours_is_no_label(changes: dict[str, Any]) -> None:
    declare(**{"times": whole(), "series": [SERIES], **changes})
    assert OutcomeLabel.objects.count() == 0


def test_a_hold_out_is_kept_from_whatever_learns() -> None:
    incident = declare(times=whole(), series=[SERIES], is_holdout=True)
    assert reading.labels(SERIES) == []
    assert reading.labels(SERIES, include_holdout=True) == [span(0, 60)]
    incident = amend(incident, is_holdout=False)
    assert reading.labels(SERIES) == [span(0, 60)]
    incident = amend(incident, is_holdout=True)
    assert reading.labels(SERIES) == []
    amend(incident, is_drill=True)
    assert reading.labels(SERIES, include_holdout=True) == []


def test_what_turns_out_to_be_none_takes_its_labels_back() -> None:
    incident = declare(times=whole(), series=[SERIES], state="identified")
    for state, labelled in (("declined", False), ("triage", False), ("resolved", True)):
        services.change_state(incident_id=incident.pk, state=state, actor=responder(), note="Checked.")
        assert bool(reading.labels(SERIES)) == (labelled or state == "triage")


def test_what_another_source_says_too_stays() -> None:
    incident = declare(times=whole(), series=[SERIES])
    import_labels(labels=[Label(SERIES, span(2, 9))], source="file.csv")
    twin = declare(times=whole(), series=[SERIES])
    assert reading.labels(SERIES) == [span(0, 60), span(2, 9)]
    amend(incident, is_drill=True)
    assert reading.labels(SERIES) == [span(0, 60), span(2, 9)]
    amend(twin, is_drill=True)
    assert reading.labels(SERIES) == [span(2, 9)]


def test_a_refused_change_leaves_the_labels() -> None:
    incident = declare(times=whole(), series=[SERIES])
    with pytest.raises(InvalidInputError):
        amend(incident, times={"resolved": at(-5)})
    assert reading.labels(SERIES) == [span(0, 60)]
