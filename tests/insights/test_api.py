from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import Role
from apps.features.models import Release
from apps.insights.models import Insight, Revision
from tests.insights.making import WHY, approve, person, propose
from tests.people import Api, api_of

pytestmark = [pytest.mark.api, pytest.mark.django_db]

INSIGHTS = "/api/v1/insights"


@pytest.fixture
def responder() -> Api:
    return api_of(person(Role.RESPONDER))


@pytest.fixture
def reviewer() -> Api:
    return api_of(person(Role.REVIEWER))


@pytest.fixture
def operator() -> Api:
    return api_of(person(Role.OPERATOR))


def body(api: Api, **changes: Any) -> dict[str, Any]:
    filed = api.send(
        "POST", "/api/v1/postmortems", {"title": "T", "service": "checkout", "narrative": "a\nb\nc"}
    )
    return {
        "title": "Alarm later",
        "recommendation": "Raise the threshold.",
        "scope": {"series": ["checkout/latency_p99"]},
        "confidence": 0.8,
        "provenance": {"postmortem": filed.json()["id"], "lines": [1, 2]},
        "signals": [{"kind": "theta_scale", "value": 1.0}],
    } | changes


def test_an_insight_is_filed_with_gate_provenance_and_typed_signals(responder):
    answer = responder.send("POST", INSIGHTS, body(responder))
    found = answer.json()
    assert answer.status_code == 201
    assert (found["state"], found["revision"], found["release"]) == ("proposed", 1, None)
    assert (found["provenance"]["lines"], found["provenance"]["excerpt"]) == ([1, 2], "a\nb")
    assert found["gate"]["verdict"] == "impossible"
    signal = found["signals"][0]
    assert (signal["columns"], signal["dtype"], signal["entity"]) == ({"theta_log2": 1.0}, "float", "series")
    assert found["waits_for"] == [
        "a passed gate or a written override", "2 more approvals", "an operator's approval",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "nul\x00"}, "title"),
        ({"recommendation": None}, "recommendation"),
        ({"confidence": 0}, "confidence"),
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": "high"}, "confidence"),
        ({"scope": {}}, "scope"),
        ({"scope": {"series": []}}, "scope"),
        ({"scope": {"series": ["no-slash"]}}, "scope.series[0]"),
        ({"scope": {"series": ["a/b", 3]}}, "scope.series[1]"),
        ({"scope": {"service": "a", "fleet": True}}, "scope"),
        ({"provenance": {}}, "provenance.lines"),
        ({"provenance": {"postmortem": 987654, "lines": [1, 1]}}, "provenance.postmortem"),
        ({"provenance": {"document": "runbook", "sha256": "abc", "lines": [1, 1]}}, "provenance.sha256"),
        (
            {"provenance": {"document": "postmortem:1", "sha256": "0" * 64, "lines": [1, 1]}},
            "provenance.document",
        ),
        ({"signals": {"kind": "theta_scale"}}, "signals"),
        ({"signals": [{"kind": "magic", "value": 1}]}, "signals[0].kind"),
        ({"signals": [{"kind": "theta_scale", "value": 9}]}, "signals[0].value"),
        ({"signals": [{"kind": "theta_scale", "value": "big"}]}, "signals[0].value"),
        ({"signals": [{"kind": "persistence", "value": {"k": 3, "n": 2}}]}, "signals[0].value"),
        (
            {"signals": [{"kind": "direction", "value": "up"}, {"kind": "direction", "value": "down"}]},
            "signals[1].kind",
        ),
        ({"signals": []}, "signals"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_at_its_field_and_nothing_is_kept(responder, change, field):
    answer = responder.send("POST", INSIGHTS, body(responder, **change))
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.json()
    assert answer.json()["code"]
    assert Insight.objects.count() == 0


@pytest.mark.parametrize("lines", [[0, 1], [2, 1], [1, 4], [1], "1-2", [True, True], [1.0, 2.0], 2**40])
def test_lines_that_the_source_does_not_have_are_refused(responder, lines):
    given = body(responder)
    given["provenance"]["lines"] = lines
    answer = responder.send("POST", INSIGHTS, given)
    assert (answer.status_code, answer.json()["field"]) == (422, "provenance.lines")


def test_a_source_kept_elsewhere_is_held_by_hash_and_lines(responder):
    source = {
        "document": "https://runbooks.example/checkout",
        "sha256": "ab" * 32,
        "lines": [4, 9],
        "excerpt": "Wait.",
    }
    found = responder.send("POST", INSIGHTS, body(responder, provenance=source)).json()
    assert found["provenance"] == source


def test_two_people_make_a_release_and_the_reply_names_it(responder, reviewer, operator):
    insight = responder.send("POST", INSIGHTS, body(responder)).json()
    path = f"{INSIGHTS}/{insight['id']}/approve"
    first = reviewer.send("POST", path, {"revision": 1, "override_reason": WHY}).json()
    assert (first["state"], first["release"], first["waits_for"]) == (
        "proposed", None, ["1 more approval", "an operator's approval"],
    )  # fmt: skip
    second = operator.send("POST", path, {"revision": 1})
    assert second.status_code == 200
    assert (second.json()["state"], second.json()["release"]) == ("approved", Release.objects.get().number)
    assert second.json()["overrides"][0]["reason"] == WHY
    assert second.json()["effective_confidence"] == 0.4


def test_the_same_approval_sent_again_gets_the_same_answer(responder, reviewer, operator):
    insight = responder.send("POST", INSIGHTS, body(responder)).json()
    path, yes = f"{INSIGHTS}/{insight['id']}/approve", {"override_reason": WHY}
    reviewer.send("POST", path, yes, key="r")
    one = operator.send("POST", path, yes, key="o")
    two = operator.send("POST", path, yes, key="o")
    assert (one.status_code, one.json()) == (two.status_code, two.json())
    assert Release.objects.count() == 1


def test_a_revision_keeps_what_is_left_out_and_names_a_reader_who_was_late(responder):
    insight = responder.send("POST", INSIGHTS, body(responder)).json()
    path = f"{INSIGHTS}/{insight['id']}/revise"
    revised = responder.send("POST", path, {"revision": 1, "title": "Other words"}).json()
    assert (revised["revision"], revised["title"], revised["confidence"]) == (2, "Other words", 0.8)
    assert revised["signals"][0]["columns"] == {"theta_log2": 1.0}
    late = responder.send("POST", path, {"revision": 1, "title": "Mine"})
    assert (late.status_code, late.json()["code"], late.json()["field"]) == (
        409,
        "revision_changed",
        "revision",
    )
    assert Revision.objects.count() == 2


def test_a_withdrawal_keeps_its_reason_or_says_that_there_is_none(reviewer):
    for given, kept in (({"reason": "It hid an incident."}, "It hid an incident."), ({}, "No reason given.")):
        insight = approve(propose())
        assert reviewer.send("POST", f"{INSIGHTS}/{insight.pk}/withdraw", given).status_code == 200
        newest = Release.objects.first()
        assert newest is not None
        assert newest.reason == kept


def test_a_misspelt_field_is_refused_by_name(reviewer):
    insight = propose()
    answer = reviewer.send("POST", f"{INSIGHTS}/{insight.pk}/approve", {"overide_reason": WHY})
    assert (answer.status_code, answer.json()["field"]) == (422, "overide_reason")


def test_a_responder_cannot_stop_what_is_served(responder):
    insight = approve(propose())
    answer = responder.send("POST", f"{INSIGHTS}/{insight.pk}/withdraw", {"reason": "no"})
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


def test_only_an_operator_reverts_and_only_to_what_exists(reviewer, operator):
    approve(propose())
    approve(propose(scope="cart/errors"))
    assert reviewer.send("POST", "/api/v1/releases/1/revert", {"reason": "x"}).status_code == 403
    assert operator.send("POST", "/api/v1/releases/99/revert", {"reason": "x"}).status_code == 404
    reverted = operator.send("POST", "/api/v1/releases/1/revert", {"reason": "x"})
    assert (reverted.status_code, reverted.json()["number"]) == (201, 3)
    again = operator.send("POST", "/api/v1/releases/1/revert", {"reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_revert")


MARKS = dict.fromkeys(("relevance", "timeliness", "breadth", "actionability"), 3)
DOORS = [
    ("", None), ("/dry-run", None), ("/approve", {}), ("/withdraw", {}), ("/revise", {}), ("/gate", {}),
    ("/scores", MARKS),
]  # fmt: skip


@pytest.mark.parametrize(("rest", "given"), DOORS)
def test_what_does_not_exist_is_not_found(reviewer, rest, given):
    answer = reviewer.send("GET" if given is None else "POST", f"{INSIGHTS}/424242{rest}", given)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_marks_are_shown_and_may_be_thought_over(reviewer, responder):
    insight = propose()
    path = f"{INSIGHTS}/{insight.pk}/scores"
    marks = {"relevance": 4, "timeliness": 3, "breadth": 2, "actionability": 5}
    reviewer.send("POST", path, marks)
    found = reviewer.send("POST", path, marks | {"breadth": 4}).json()
    assert [score["mean"] for score in found["scores"]] == [4.0]
    assert responder.send("POST", path, marks).json()["code"] == "role_required"
    bad = reviewer.send("POST", path, marks | {"breadth": 6})
    assert (bad.status_code, bad.json()["field"]) == (422, "breadth")


def test_the_list_costs_the_same_however_long_it_is(reviewer, django_assert_num_queries):
    approve(propose())
    reviewer.send("GET", INSIGHTS)
    with django_assert_num_queries(15):
        reviewer.send("GET", INSIGHTS)
    for number in range(5):
        approve(propose(scope=f"cart/metric_{number}"))
    with django_assert_num_queries(15):
        assert len(reviewer.send("GET", INSIGHTS).json()["items"]) == 6
