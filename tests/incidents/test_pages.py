"""The form and the page of an incident, as people use them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from apps.accounts.models import Role
from apps.incidents import services
from apps.incidents.metrics import TimeValue
from apps.incidents.models import Incident
from apps.postmortems.models import Postmortem, text_hash
from tests.people import make_person
from tests.reading import signed_in, text_of

from .making import START, at, browser, declare, responder, typed, whole

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def test_declaring_leads_to_the_incident() -> None:
    person = responder()
    client = signed_in(person)
    assert client.get("/incidents/new?service=checkout").status_code == 200
    answer = client.post(
        "/incidents/new",
        typed(
            impact_start_at="2026-03-01T12:00:00", impact_start_source="graph", detected_at="2026-03-01 12:05"
        ),
    )
    incident = Incident.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/incidents/{incident.pk}")
    assert incident.declared_by == person
    assert incident.time("impact_start") == at(0, source="graph")
    assert incident.time("detected") == at(5)
    assert incident.time("resolved").status == "pending"
    words = text_of(client.get(f"/incidents/{incident.pk}"))
    assert "is declared" in words
    assert "5 min" in words
    assert "The resolution is not known yet." in words


def test_a_near_miss_is_declared_without_times() -> None:
    browser().post("/incidents/new", typed(kind="near_miss", state="learning"))
    incident = Incident.objects.get()
    assert incident.time("impact_start").status == "not_applicable"


LATER = "2999-01-01T00:00:00"
WRONG = [
    ("title", "", "required"),
    ("title", "x" * 201, "at most 200 characters"),
    ("title", "nul\x00here", "Null characters"),
    ("service", "a/b", "without slash"),
    ("service", "", "required"),
    ("severity", "SEV-9", "Select a valid choice"),
    ("severity", "tier_0", "Select a valid choice"),
    ("kind", "outage", "Select a valid choice"),
    ("state", "paused", "Select a valid choice"),
    ("state", "merged", "Select a valid choice"),
    ("summary", "x" * 20_001, "at most 20000 characters"),
    ("summary", "\x00", "Null characters"),
    ("series", "checkout/unknown", "There is no series"),
    ("series", "nul\x00/x", "There is no series"),
    ("detected_at", "soon", "This is no time"),
    ("detected_at", "0001-01-01T00:00+14:00", "This is no time"),
    ("detected_at", "\x00", "This is no time"),
    ("detected_at", LATER, "lies in the future"),
    ("detected_at", "1969-07-20T20:17:00", "before 1970"),
    ("resolved_at", "2026-03-01T11:59:59", "before the start of the impact"),
    ("mitigated_at", "2026-03-01T11:59:59", "before the start of the impact"),
    ("escalated_status", "recorded", "The time is missing"),
    ("escalated_status", "guessed", "Select a valid choice"),
    ("impact_start_status", "not_applicable", "take the time away"),
    ("detected_precision", "week", "Select a valid choice"),
    ("detected_source", "x" * 201, "at most 200 characters"),
    ("detected_source", "\x00", "Null characters"),
]


@pytest.mark.parametrize(("field", "value", "says"), WRONG)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(
    field: str, value: str, says: str
) -> None:
    kept = {"title": "Kept title", "summary": "Kept words", "acknowledged_source": "kept source"}
    sent = {**typed(), **kept, "impact_start_at": "2026-03-01T12:00:00", field: value}
    answer = browser().post("/incidents/new", sent)
    body = answer.content.decode()
    assert answer.status_code == 422
    place = {"escalated_status": "escalated_at", "impact_start_status": "impact_start_at"}.get(field, field)
    place = field if "Select" in says else place
    wrong = re.search(rf'id="id_{place}_error".*?</div>', body, re.DOTALL)
    assert wrong, "the message stands at the field"
    assert says in unescape(wrong[0])
    for name, text in kept.items():
        assert name == field or text in body
    if field not in {"severity", "kind", "state", "detected_precision"} and "status" not in field:
        assert value.strip() in unescape(body).replace("\ufffd", "\x00")
    assert Incident.objects.count() == 0


def test_only_authors_declare_and_amend() -> None:
    incident = declare()
    client = signed_in(make_person("vera", Role.VIEWER))
    assert client.get(f"/incidents/{incident.pk}").status_code == 200
    for path in ("/incidents/new", f"/incidents/{incident.pk}/edit", f"/incidents/{incident.pk}/state"):
        assert client.post(path, typed()).status_code == 403
    assert Incident.objects.get().version == 1


def test_what_is_not_there_is_not_found() -> None:
    client = browser()
    for path in ("/incidents/7", "/incidents/7/edit"):
        assert client.get(path).status_code == 404
    assert client.post("/incidents/7/state", {}).status_code == 404
    assert Client().get("/incidents").status_code == 302


def test_opening_the_form_and_saving_it_changes_nothing() -> None:
    """Not even fractions of a second, which the form does not show."""
    exact = START.replace(microsecond=123456)
    incident = declare(
        times={"impact_start": at(0), "detected": TimeValue("recorded", exact, "log", "second")},
        series=["checkout/latency", "web/errors"],
    )
    client = browser()
    form = client.get(f"/incidents/{incident.pk}/edit").content.decode()
    assert 'value="2026-03-01T12:00:00"' in form
    assert re.search(r'value="checkout/latency"\s+checked', form)
    assert "web/errors</textarea>" in form
    answer = client.post(f"/incidents/{incident.pk}/edit", typed(incident))
    assert answer.status_code == 302
    fresh = Incident.objects.get()
    assert (fresh.version, fresh.time("detected").at) == (1, exact)


def test_two_editors_lose_nothing() -> None:
    """The second keeps what they typed, takes over what they had not touched, and saves on top knowingly."""
    incident = declare(times={"impact_start": at(0)}, title="As declared")
    opened = typed(incident)
    services.amend_incident(
        incident_id=incident.pk,
        seen_version=1,
        editor=make_person("ann", Role.RESPONDER),
        title="Ann's title",
        severity="SEV-1",
        times={"detected": at(7)},
        is_drill=True,
    )
    client = browser()
    answer = client.post(
        f"/incidents/{incident.pk}/edit", {**opened, "title": "Bob's title", "summary": "Bob's words"}
    )
    assert answer.status_code == 422
    words = text_of(answer)
    assert "Title is now “Ann's title”, by ann" in words
    assert "You typed “Bob's title”" in words
    assert "Severity is now “SEV-1”, by ann" in words
    assert "Detected is now “2026-03-01 12:07:00 UTC”" in words
    assert Incident.objects.get().title == "Ann's title"
    again = answer.context["form"]
    sent = {name: again[name].value() for name in again.fields}
    assert (sent["title"], sent["summary"]) == ("Bob's title", "Bob's words")
    sent = {name: value for name, value in sent.items() if value not in (None, False, [])}
    assert client.post(f"/incidents/{incident.pk}/edit", sent).status_code == 302
    fresh = Incident.objects.get()
    assert (fresh.title, fresh.summary, fresh.severity.code, fresh.is_drill, fresh.version) == (
        "Bob's title",
        "Bob's words",
        "SEV-1",
        True,
        3,
    )
    assert fresh.time("detected") == at(7)


def test_a_conflict_does_not_hide_a_second_one() -> None:
    incident = declare()
    opened = typed(incident)
    for number in (1, 2):
        services.amend_incident(
            incident_id=incident.pk, seen_version=number, editor=responder(), title=f"title {number}"
        )
        answer = browser().post(
            f"/incidents/{incident.pk}/edit", {**opened, "title": "mine", "version": number}
        )
        assert answer.status_code == 422
        assert f"title {number}" in text_of(answer)


def test_the_state_moves_on_with_its_time() -> None:
    incident = declare(times={"impact_start": at(0)})
    client = browser()
    answer = client.post(
        f"/incidents/{incident.pk}/state",
        {"version": 1, "state": "resolved", "at": "2026-03-01T13:00:00", "note": "Cache warmed."},
    )
    assert answer.status_code == 302
    assert Incident.objects.get().metrics()["ttr"].seconds == 3600
    words = text_of(client.get(f"/incidents/{incident.pk}"))
    assert "The incident is resolved now." in words
    assert "Cache warmed." in words
    assert "File the postmortem" in words
    Postmortem.objects.create(
        title="Cold cache",
        narrative="Nobody warmed it.",
        sha256=text_hash("Nobody warmed it."),
        service=incident.service,
        incident=incident,
        author=incident.declared_by,
    )
    assert "Its review is written" in text_of(client.get(f"/incidents/{incident.pk}"))


@pytest.mark.parametrize(
    ("sent", "field", "says"),
    [
        ({"state": "paused"}, "state", "Select a valid choice"),
        ({"state": "triage"}, "state", "Select a valid choice"),
        ({"state": "declined"}, "note", "empty"),
        ({"state": "merged"}, "merged_into", "Into which"),
        ({"state": "merged", "merged_into": "999"}, "merged_into", "There is no incident 999"),
        ({"state": "merged", "merged_into": "9" * 30}, "merged_into", "less than or equal"),
        ({"state": "resolved", "at": "2026-02-28T12:00:00"}, "at", "before the start"),
        ({"state": "resolved", "at": "later"}, "at", "This is no time"),
        ({"state": "resolved", "note": "a\x00b"}, "note", "Null characters"),
        ({"state": "resolved", "note": "x" * 2001}, "note", "at most 2000"),
    ],
)
def test_a_wrong_move_is_said_at_its_field(sent: dict[str, str], field: str, says: str) -> None:
    incident = declare(times={"impact_start": at(0)})
    answer = browser().post(f"/incidents/{incident.pk}/state", {"version": 1, "note": "", **sent})
    assert answer.status_code == 422
    wrong = re.search(rf'id="id_{field}_error".*?</div>', answer.content.decode(), re.DOTALL)
    assert wrong
    assert says in unescape(wrong[0])
    assert Incident.objects.get().version == 1


def test_a_move_on_an_old_page_says_what_changed() -> None:
    incident = declare()
    services.amend_incident(incident_id=incident.pk, seen_version=1, editor=responder(), title="Newer")
    answer = browser().post(f"/incidents/{incident.pk}/state", {"version": 1, "state": "identified"})
    assert answer.status_code == 422
    assert "changed title after you had opened it" in text_of(answer)


def test_the_page_of_an_incident_tells_its_story() -> None:
    incident = declare(times=whole(), series=["checkout/latency"], summary="First line.\n\nSecond.")
    services.amend_incident(incident_id=incident.pk, seen_version=1, editor=responder(), title="Renamed")
    page = browser().get(f"/incidents/{incident.pk}")
    body, words = page.content.decode(), text_of(page)
    assert "Renamed" in words
    assert "Title: Checkout is slow" in words
    assert "Impact started 2026-03-01 12:00 UTC, Detected 2026-03-01 12:05 UTC" in unescape(body)
    assert "/series/checkout/latency?from=2026-03-01T09" in body
    assert f'hx-get="/incidents/{incident.pk}/postmortems"' in body


def test_the_page_costs_the_same_for_a_long_history() -> None:
    incident = declare(times=whole(), series=["checkout/latency"])
    client = browser()
    counts = []
    for goal in (2, 12):
        while (version := Incident.objects.get().version) < goal:
            services.amend_incident(
                incident_id=incident.pk, seen_version=version, editor=responder(), title=f"title {version}"
            )
        counts.append(client.get(f"/incidents/{incident.pk}").headers["Server-Timing"])
    assert counts[0] == counts[1]


def test_a_merged_incident_leads_to_the_other() -> None:
    goes_on, ends = declare(title="The one that goes on"), declare()
    client = browser()
    client.post(f"/incidents/{ends.pk}/state", {"version": 1, "state": "merged", "merged_into": goes_on.pk})
    page = client.get(f"/incidents/{ends.pk}").content.decode()
    assert f'href="/incidents/{goes_on.pk}"' in page


def test_series_of_a_service_are_offered_as_boxes() -> None:
    declare(series=["checkout/latency", "checkout/errors", "web/errors"])
    page = browser().get("/incidents/series?service=checkout&series=web/errors&series=checkout/errors")
    body = page.content.decode()
    assert 'value="checkout/latency"' in body
    assert re.search(r'value="checkout/errors"\s+checked', body)
    assert "web/errors</textarea>" in body
    assert browser().get("/incidents/series?service=%00").status_code == 200
