from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Role
from apps.incidents.api import examples
from apps.incidents.models import Incident, IncidentEvent
from apps.telemetry.services import ensure_series
from tests.people import Api, api_of, make_person

from .making import declare, whole

pytestmark = [pytest.mark.api, pytest.mark.django_db]

INCIDENTS = "/api/v1/incidents"


@pytest.fixture
def api() -> Api:
    ensure_series("checkout/latency_p99")
    return api_of(make_person("ann", Role.RESPONDER))


def test_the_documented_way_from_declared_to_resolved(api: Api) -> None:
    """The examples of the documentation are what really happens, but for numbers and clocks."""
    ours = {"id": 0, "created_at": ""}

    def plain(answer: Any, **more: Any) -> dict[str, Any]:
        return {**answer, **ours, **more}

    made = api.send("POST", INCIDENTS, examples.NEW)
    assert made.status_code == 201, made.json()
    assert plain(made.json()) == plain(examples.INCIDENT)
    path = f"{INCIDENTS}/{made.json()['id']}"
    assert plain(api.send("POST", path, examples.AMENDMENT).json()) == plain(examples.AMENDED)
    assert plain(api.send("POST", f"{path}/state", examples.MOVE).json()) == plain(examples.MOVED)
    assert api.send("GET", path).json()["version"] == 3


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "a\x00"}, "title"),
        ({"service": "a/b"}, "service"),
        ({"severity": "SEV-9"}, "severity"),
        ({"kind": "outage"}, "kind"),
        ({"state": "merged"}, "state"),
        ({"series": ["checkout/unknown"]}, "series"),
        ({"series": "checkout/latency_p99"}, "series"),
        ({"severty": "SEV-1"}, "severty"),
        ({"times": {"noticed": {}}}, "times.noticed"),
        ({"times": {"detected": {"at": "soon"}}}, "times.detected.at"),
        ({"times": {"detected": {}}}, "times.detected.at"),
        ({"times": {"detected": {"at": "2999-01-01T00:00:00Z"}}}, "times.detected.at"),
        ({"times": {"detected": {"at": "0001-01-01T00:00:00+14:00"}}}, "times.detected.at"),
        ({"times": {"detected": {"at": "9999-12-31T23:59:59-14:00"}}}, "times.detected.at"),
        (
            {
                "times": {
                    "impact_start": {"at": "2026-01-01T12:00:00+02:00"},
                    "resolved": {"at": "2026-01-01T09:59:59Z"},
                }
            },
            "times.resolved.at",
        ),
    ],
)
def test_what_is_wrong_is_refused_at_its_field(api: Api, wrong: dict[str, Any], field: str) -> None:
    answer = api.send("POST", INCIDENTS, {**examples.NEW, **wrong})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert Incident.objects.count() == 0


def test_the_same_instant_in_another_zone_is_the_same(api: Api) -> None:
    times = {"detected": {"at": "2026-01-01T12:00:00+02:00"}}
    made = api.send("POST", INCIDENTS, {**examples.NEW, "times": times}).json()
    assert made["times"]["detected"]["at"] == "2026-01-01T10:00:00.000000Z"


def test_a_stale_version_changes_nothing(api: Api) -> None:
    incident = declare()
    path = f"{INCIDENTS}/{incident.pk}"
    assert api.send("POST", path, {"version": 1, "title": "First"}).status_code == 200
    answer = api.send("POST", path, {"version": 1, "title": "Second"})
    assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
    assert "ann changed title" in answer.json()["detail"]
    answer = api.send("POST", f"{path}/state", {"version": 1, "state": "resolved"})
    assert answer.status_code == 409
    assert Incident.objects.get().title == "First"


def test_a_wrong_state_is_a_conflict(api: Api) -> None:
    incident = declare()
    answer = api.send("POST", f"{INCIDENTS}/{incident.pk}/state", {"state": "learning"})
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")


def test_a_post_sent_twice_with_its_key_happens_once(api: Api) -> None:
    first, second = (api.send("POST", INCIDENTS, examples.NEW, key="k1") for _ in range(2))
    assert first.json() == second.json()
    assert Incident.objects.count() == IncidentEvent.objects.count() == 1


def test_a_service_account_needs_the_scope_alone() -> None:
    bot = make_person("bot", is_service=True)
    ensure_series("checkout/latency_p99")
    assert api_of(bot, "incidents:write").send("POST", INCIDENTS, examples.NEW).status_code == 201
    assert api_of(bot, "incidents:read").send("POST", INCIDENTS, examples.NEW).status_code == 403
    assert api_of(bot, "incidents:read").send("GET", INCIDENTS).status_code == 200


def test_what_is_not_there(api: Api) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "", {"version": 1}),
        ("POST", "/state", {"state": "closed"}),
    ):
        assert api.send(method, f"{INCIDENTS}/7{path}", body).status_code == 404


def test_lists_are_narrowed_and_paged(api: Api) -> None:
    for number in range(3):
        declare(title=f"incident {number}", times=whole(start=number))
    declare(title="elsewhere", service="web", state="closed")
    first = api.send("GET", f"{INCIDENTS}?limit=2&service=checkout").json()
    assert [row["title"] for row in first["items"]] == ["incident 2", "incident 1"]
    rest = api.send("GET", f"{INCIDENTS}?limit=2&service=checkout&cursor={first['next']}").json()
    assert ([row["title"] for row in rest["items"]], rest["next"]) == (["incident 0"], None)
    ended = api.send("GET", f"{INCIDENTS}?is=ended").json()["items"]
    assert [row["title"] for row in ended] == ["elsewhere"]
    assert api.send("GET", f"{INCIDENTS}?q=%00").json()["items"] == []


def test_a_list_costs_as_many_queries_for_two_as_for_twelve(api: Api) -> None:
    counts = []
    for number in (2, 12):
        while Incident.objects.count() < number:
            declare(times=whole(), series=["checkout/latency_p99"])
        counts.append(api.send("GET", INCIDENTS).headers["Server-Timing"])
    assert counts[0] == counts[1]
