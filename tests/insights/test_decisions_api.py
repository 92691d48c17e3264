from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.insights import services
from tests.insights.making import WHY, approve, person, propose
from tests.people import api_of

pytestmark = [pytest.mark.api, pytest.mark.django_db]

NO = {"revision": 1, "reason": "The evening peak would be missed."}


@pytest.mark.parametrize(
    ("deed", "state"), [("request-changes", "changes_requested"), ("reject", "rejected")]
)
def test_a_no_is_shown_with_its_reason_and_taken_back(deed, state):
    insight, reviewer = propose(), person(Role.REVIEWER)
    api = api_of(reviewer)
    found = api.send("POST", f"/api/v1/insights/{insight.pk}/{deed}", NO).json()
    assert found["state"] == state
    assert found["waits_for"] == ["a new revision, or a reviewer who reopens it"]
    (decision,) = found["decisions"]
    assert (decision["person"], decision["kind"], decision["reason"], decision["revision"]) == (
        reviewer.username, state, NO["reason"], 1,
    )  # fmt: skip
    refused = api_of(person(Role.OPERATOR)).send(
        "POST", f"/api/v1/insights/{insight.pk}/approve", {"revision": 1}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "turned_down")
    reopened = api.send("POST", f"/api/v1/insights/{insight.pk}/reopen", {"reason": "Measured anew."})
    assert reopened.json()["state"] == "proposed"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"reason": ""}, 422, "reason"),
        ({"reason": "…"}, 422, "reason"),
        ({"reason": "x" * 2001}, 422, "reason"),
        ({"reason": "nul\x00"}, 422, "reason"),
        ({"revision": 2}, 409, "revision"),
        ({"revision": 0}, 422, "revision"),
        ({"why": "misspelt"}, 422, "why"),
    ],
)
def test_a_bad_no_names_its_field(change, status, field):
    insight = propose()
    answer = api_of(person(Role.REVIEWER)).send("POST", f"/api/v1/insights/{insight.pk}/reject", NO | change)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    insight.refresh_from_db()
    assert insight.state == "proposed"


def test_an_author_is_refused_with_a_reason():
    author = person(Role.RESPONDER, Role.REVIEWER)
    answer = api_of(author).send("POST", f"/api/v1/insights/{propose(author).pk}/reject", NO)
    assert (answer.status_code, answer.json()["code"]) == (409, "self_approval")


def test_the_queue_of_each():
    author, reviewer, operator = person(Role.RESPONDER), person(Role.REVIEWER), person(Role.OPERATOR)
    first = propose(author)
    services.approve_insight(insight_id=first.pk, approver=reviewer, override_reason=WHY)
    approve(propose(author))
    found = api_of(operator).send("GET", "/api/v1/queue").json()
    (row,) = found["to_review"]
    assert (row["insight"], row["revision"], row["gate"]) == (first.pk, 1, "impossible")
    assert row["waits_for"] == ["1 more approval", "an operator's approval"]
    assert (found["to_change"], found["for_others"]) == ([], [])
    mine = api_of(author).send("GET", "/api/v1/queue").json()
    assert [row["insight"] for row in mine["for_others"]] == [first.pk]
