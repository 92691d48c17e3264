"""Several people at one incident, in transactions of their own."""

from __future__ import annotations

from typing import Any

import pytest

from apps.audit.models import Outbox
from apps.common.errors import InvalidInputError
from apps.incidents import services
from apps.incidents.errors import StaleError, StateError
from apps.incidents.models import Incident, IncidentEvent
from apps.telemetry import reading
from tests.audit.conftest import in_threads

from .making import declare, responder, whole

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]


def attempt(work: Any) -> str:
    try:
        work()
    except (StaleError, StateError) as refusal:
        return refusal.code
    return "done"


def test_of_eight_editors_of_one_version_one_is_first_and_seven_are_told() -> None:
    incident, people = declare(), [responder() for _ in range(8)]
    results = in_threads(
        8,
        lambda n: attempt(
            lambda: services.amend_incident(
                incident_id=incident.pk, seen_version=1, editor=people[n], title=f"title {n}"
            )
        ),
    )
    assert sorted(results) == ["done"] + ["stale_version"] * 7
    winner = people[results.index("done")]
    fresh = Incident.objects.get()
    assert (fresh.version, fresh.title) == (2, f"title {results.index('done')}")
    assert [event.by for event in IncidentEvent.objects.filter(version=2)] == [winner]


def test_eight_resolutions_at_once_are_one() -> None:
    incident, people = declare(), [responder() for _ in range(8)]
    results = in_threads(
        8,
        lambda n: attempt(
            lambda: services.change_state(incident_id=incident.pk, state="resolved", actor=people[n])
        ),
    )
    assert sorted(results) == ["done"] + ["wrong_state"] * 7
    assert IncidentEvent.objects.count() == 2


def test_two_that_merge_into_each_other_do_not_wait_for_ever() -> None:
    first, second, person = declare(), declare(), responder()
    pairs = [(first.pk, second.pk), (second.pk, first.pk)]

    def merge(number: int) -> str:
        source, target = pairs[number]
        try:
            services.change_state(incident_id=source, state="merged", merged_into=target, actor=person)
        except InvalidInputError:
            return "refused"
        return "done"

    assert sorted(in_threads(2, merge)) == ["done", "refused"]
    assert Incident.objects.filter(state="merged").count() == 1


def test_incidents_declared_at_once_are_all_counted_and_labelled() -> None:
    declare(series=["checkout/latency"])
    people = [responder() for _ in range(6)]
    in_threads(
        6,
        lambda n: declare(people[n], times=whole(start=n), series=["checkout/latency"], state="resolved").pk,
    )
    newest = Outbox.objects.filter(kind="features.facts").latest("id")
    assert newest.payload["values"]["n_incidents"] == 7
    assert len(reading.labels("checkout/latency")) == 6
