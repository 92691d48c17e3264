from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.audit.models import AuditRecord
from apps.common.errors import InvalidInputError, NotFoundError
from apps.incidents import services
from apps.incidents.errors import StaleError, StateError
from apps.incidents.metrics import TimeValue
from apps.incidents.models import Incident, IncidentEvent

from .making import START, at, declare, responder, whole

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def amend(incident: Incident, seen: int | None = None, **changes: Any) -> Incident:
    return services.amend_incident(
        incident_id=incident.pk,
        seen_version=seen or incident.version,
        editor=changes.pop("editor", None) or responder(),
        **changes,
    )


def move(incident: Incident, state: str, **more: Any) -> Incident:
    return services.change_state(incident_id=incident.pk, state=state, actor=responder(), **more)


def test_declared_it_is_investigated_and_nothing_is_guessed() -> None:
    incident = declare(times={"detected": at(5, source="pager", precision="second")})
    assert (incident.state, incident.kind, incident.origin, incident.version) == (
        "investigating",
        "incident",
        "own",
        1,
    )
    assert incident.time("detected") == at(5, source="pager", precision="second")
    assert incident.time("impact_start") == TimeValue("pending")
    assert incident.occurred_at == incident.created_at
    assert AuditRecord.objects.filter(action="incident_declared", object_id=str(incident.pk)).count() == 1


def test_a_near_miss_needs_no_times_of_impact() -> None:
    incident = declare(kind="near_miss")
    assert incident.state == "learning"
    assert incident.time("impact_start").status == incident.time("resolved").status == "not_applicable"
    assert incident.time("detected").status == "pending"
    assert incident.metrics()["ttr"].reason == "The start of the impact does not apply."


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": "  "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"summary": "x" * 20_001}, "summary"),
        ({"service": "a/b"}, "service"),
        ({"severity": "SEV-9"}, "severity"),
        ({"severity": "tier_0"}, "severity"),
        ({"kind": "outage"}, "kind"),
        ({"state": "paused"}, "state"),
        ({"state": "merged"}, "state"),
        ({"origin": "theirs"}, "origin"),
        ({"times": {"noticed": TimeValue("pending")}}, "times.noticed"),
        ({"times": {"detected": TimeValue("guessed")}}, "times.detected.status"),
        ({"times": {"detected": TimeValue("recorded")}}, "times.detected.at"),
        ({"times": {"detected": TimeValue("pending", START)}}, "times.detected.at"),
        ({"times": {"detected": at(0, precision="week")}}, "times.detected.precision"),
        ({"times": {"detected": at(0, source="x" * 201)}}, "times.detected.source"),
        ({"times": {"detected": at(0, source="\x00")}}, "times.detected.source"),
        ({"times": {"detected": TimeValue("recorded", START.replace(tzinfo=None))}}, "times.detected.at"),
        ({"times": {"detected": TimeValue("recorded", START.replace(year=1969))}}, "times.detected.at"),
        (
            {"times": {"detected": TimeValue("recorded", timezone.now() + timedelta(hours=1))}},
            "times.detected.at",
        ),
        ({"times": {"impact_start": at(0), "resolved": at(-1)}}, "times.resolved.at"),
        ({"times": {"impact_start": at(0), "mitigated": at(-1)}}, "times.mitigated.at"),
        ({"times": {"detected": at(5), "resolved": at(4)}}, "times.resolved.at"),
    ],
)
def test_what_is_wrong_is_refused_at_its_field_and_nothing_is_stored(
    wrong: dict[str, Any], field: str
) -> None:
    by = responder()
    with pytest.raises(InvalidInputError) as caught:
        declare(by, **wrong)
    assert caught.value.field == field
    assert Incident.objects.count() == IncidentEvent.objects.count() == 0


def test_a_series_that_we_do_not_have_is_refused() -> None:
    incident = declare()
    for strange in ("checkout/unknown", "no slash", "a\x00b/c", ""):
        with pytest.raises(InvalidInputError) as caught:
            amend(incident, series=[strange])
        assert caught.value.field == "series"


def test_amending_changes_what_is_given_and_tells_who_did_it() -> None:
    incident = declare(times=whole(), series=["checkout/latency"])
    editor = responder()
    after = amend(
        incident, editor=editor, title="Slower", service="web", times={"detected": at(7)}, is_drill=False
    )
    assert (after.title, after.service.slug, after.severity.code, after.version) == (
        "Slower",
        "web",
        "SEV-2",
        2,
    )
    assert after.time("detected") == at(7)
    assert after.time("resolved") == at(60)
    event = IncidentEvent.objects.get(incident=incident, version=2)
    assert (event.by, event.kind) == (editor, "amended")
    assert event.change("title") == {"field": "title", "before": "Checkout is slow", "after": "Slower"}
    assert [change["field"] for change in event.changes] == ["title", "service", "times.detected"]


def test_the_occurrence_follows_the_start_of_the_impact() -> None:
    incident = declare(times={"impact_start": at(3)})
    assert incident.occurred_at == at(3).at
    assert amend(incident, times={"impact_start": at(1)}).occurred_at == at(1).at
    again = amend(Incident.objects.get(), times={"impact_start": TimeValue("invalid")})
    assert again.occurred_at == again.created_at


def test_changing_nothing_makes_no_version() -> None:
    incident = declare(times=whole())
    assert amend(incident, title=incident.title, times=whole()).version == 1
    assert IncidentEvent.objects.count() == 1


def test_a_stale_editor_learns_what_changed_and_by_whom_and_changes_nothing() -> None:
    incident = declare(times=whole())
    ann, bob = responder(), responder()
    amend(incident, 1, editor=ann, title="First", times={"detected": at(6)})
    amend(incident, 2, editor=bob, title="Second")
    with pytest.raises(StaleError) as caught:
        amend(incident, 1, title="Mine", summary="mine")
    error = caught.value
    assert (error.version, error.code) == (3, "stale_version")
    assert set(error.missed) == {"title", "times.detected"}
    title = error.missed["title"]
    assert (title.before, title.after, title.by) == ("Checkout is slow", "Second", bob.username)
    assert error.missed["times.detected"].by == ann.username
    fresh = Incident.objects.get()
    assert (fresh.title, fresh.summary, fresh.version) == ("Second", "", 3)
    assert amend(fresh, error.version, title="Mine").title == "Mine"


def test_a_version_from_the_future_is_stale_too() -> None:
    with pytest.raises(StaleError):
        amend(declare(), 9, title="x")


def test_a_retired_severity_stays_where_it_stood_and_is_not_chosen_anew() -> None:
    incident, other = declare(severity="SEV-5"), declare()
    incident.severity.retired = True
    incident.severity.save()
    assert amend(incident, severity="SEV-5", title="x").title == "x"
    with pytest.raises(InvalidInputError):
        amend(other, severity="SEV-5")


def test_moving_on_can_record_when() -> None:
    incident = declare(times={"impact_start": at(0), "detected": at(5)})
    move(incident, "mitigated", at=at(30).at)
    after = move(incident, "resolved", at=at(60).at, note="cache warmed")
    assert (after.state, after.version) == ("resolved", 3)
    assert after.metrics()["ttm"].seconds == 1800
    event = IncidentEvent.objects.get(incident=incident, version=3)
    assert event.note == "cache warmed"
    assert [change["field"] for change in event.changes] == ["state", "times.resolved"]


@pytest.mark.parametrize(
    ("state", "more", "field"),
    [
        ("paused", {}, "state"),
        ("declined", {}, "note"),
        ("canceled", {"note": "  "}, "note"),
        ("mitigated", {"at": at(-1).at}, "at"),
        ("identified", {"at": at(1).at}, "at"),
        ("resolved", {"at": timezone.now() + timedelta(days=1)}, "at"),
        ("merged", {}, "merged_into"),
        ("merged", {"merged_into": 10**9}, "merged_into"),
        ("resolved", {"note": "\x00"}, "note"),
    ],
)
def test_a_wrong_move_is_refused_at_its_field(state: str, more: dict[str, Any], field: str) -> None:
    incident = declare(times={"impact_start": at(0)})
    with pytest.raises(InvalidInputError) as caught:
        move(incident, state, **more)
    assert caught.value.field == field
    assert Incident.objects.get().version == 1


def test_a_state_that_cannot_follow_is_refused_with_those_that_can() -> None:
    incident = declare(state="resolved")
    with pytest.raises(StateError) as caught:
        move(incident, "triage")
    assert "learning" in str(caught.value.remedy)
    with pytest.raises(StateError):
        move(incident, "resolved")


def test_a_stale_move_is_refused() -> None:
    incident = declare()
    move(incident, "identified")
    with pytest.raises(StaleError):
        move(incident, "resolved", seen_version=1)


def test_merging_names_the_incident_that_goes_on() -> None:
    first, second, third = declare(), declare(), declare()
    merged = move(second, "merged", merged_into=first.pk)
    assert (merged.state, merged.merged_into) == ("merged", first)
    with pytest.raises(InvalidInputError, match="itself been merged"):
        move(third, "merged", merged_into=second.pk)
    with pytest.raises(InvalidInputError, match="into itself"):
        move(third, "merged", merged_into=third.pk)
    back = move(second, "investigating")
    assert back.merged_into is None


def test_no_such_incident() -> None:
    with pytest.raises(NotFoundError):
        services.change_state(incident_id=1, state="closed", actor=responder())
    with pytest.raises(NotFoundError):
        services.amend_incident(incident_id=1, seen_version=1, editor=responder(), title="x")
