from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.features.models import Release
from apps.insights import services
from apps.insights.models import Revision
from tests.insights.making import WHY, approve, draft, person, propose
from tests.insights.test_review_pages import browser, text

pytestmark = [pytest.mark.page, pytest.mark.django_db]


# --- the list -------------------------------------------------------------
def test_the_list_is_narrowed_by_state_service_kind_author_and_words():
    robin, kim = person(Role.RESPONDER), person(Role.RESPONDER)
    propose(robin, title="On one series", scope="checkout/latency_p99")
    propose(
        kim, title="On a service", scope={"service": "cart"}, signals=[{"kind": "direction", "value": "up"}]
    )
    approve(propose(kim, title="On another series", scope="cart/errors"))
    client = browser(person())

    def shown(query: str) -> list[str]:
        return [row[1].title for row in client.get(f"/insights?{query}").context["rows"]]

    assert shown("") == ["On another series", "On a service", "On one series"]
    assert shown("state=approved") == ["On another series"]
    assert shown("service=cart") == ["On another series", "On a service"]
    assert shown("service=checkout") == ["On one series"]
    assert shown("kind=direction") == ["On a service"]
    assert shown(f"author={robin.username}") == ["On one series"]
    assert shown("text=ANOTHER") == ["On another series"]
    assert shown("service=cart&state=proposed&text=service") == ["On a service"]
    assert "Nothing matches" in text(client.get("/insights?text=nothing+of+the+kind"))


@pytest.mark.parametrize(
    "query",
    ["state=unheard", "service=none", "kind=x", "author=x", "text=a%00b", "text=" + "x" * 201],
)
def test_a_filter_of_an_unknown_code_is_told(query):
    answer = browser(person()).get(f"/insights?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in text(answer)


def test_lists_and_cards_cost_the_same_however_many_there_are():
    reviewer = person(Role.REVIEWER)
    client = browser(reviewer)

    def cost(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            assert client.get(path).status_code == 200
        return len(found)

    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    for _ in range(2):
        propose(author)
    cost("/insights")  # what a process reads once
    few = [cost(path) for path in ("/insights", "/queue", f"/insights/{insight.pk}")]
    for _ in range(10):
        propose(author)
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Other"), author=author)
    approve(insight)
    assert [cost(path) for path in ("/insights", "/queue", f"/insights/{insight.pk}")] == few


def test_an_empty_list_says_what_comes_next():
    assert "No insight yet" in text(browser(person()).get("/insights"))


# --- the queue -------------------------------------------------------------
def titles(client: Client) -> tuple[list[str], list[str], list[str]]:
    context = client.get("/queue").context

    def of(name: str) -> list[str]:
        return [row.revision.title for row in context[name]]

    return of("to_review"), of("to_change"), of("for_others")


def test_the_queue_knows_who_is_waited_for():
    author, reviewer, operator = person(Role.RESPONDER), person(Role.REVIEWER), person(Role.OPERATOR)
    propose(author, title="New")
    half = propose(author, title="Half")
    propose(author, title="Prose", signals=[], prose_reason="No column for it.")
    services.approve_insight(insight_id=half.pk, approver=reviewer, override_reason=WHY)
    back = propose(author, title="Back")
    services.request_changes(insight_id=back.pk, reviewer=reviewer, reason="Lower.")
    approve(propose(author, title="Served"))
    assert titles(browser(author)) == ([], ["Back"], ["New", "Half"])
    assert titles(browser(reviewer)) == (["New"], [], ["Half"])
    assert titles(browser(person(Role.REVIEWER))) == (["New"], [], ["Half"])
    assert titles(browser(operator)) == (["New", "Half"], [], [])
    page = text(browser(operator).get("/queue"))
    assert "1 more approval, an operator&#x27;s approval" in page
    assert "Gate impossible" in page
    assert f"{reviewer.username}: Lower." in text(browser(author).get("/queue"))


def test_a_newer_revision_of_what_is_served_waits_in_the_queue():
    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Newer"), author=author)
    assert titles(browser(person(Role.OPERATOR)))[0] == ["Newer"]


def test_an_empty_queue_says_so():
    assert "Nothing waits" in text(browser(person(Role.REVIEWER)).get("/queue"))


# --- panels and revert -------------------------------------------------------------
def test_a_postmortem_names_the_insights_that_cite_it():
    insight = propose()
    client = browser(person())
    path = f"/postmortems/{Revision.objects.get().source_postmortem_id}/insights"
    assert f"/insights/{insight.pk}" in text(client.get(path))
    fragment = text(client.get(path, headers={"hx-request": "true"}))
    assert "Alarm later" in fragment
    assert "<html" not in fragment
    assert client.get("/postmortems/987654/insights").status_code == 404


def test_an_operator_reverts_with_a_reason():
    first = approve(propose())
    services.withdraw_insight(insight_id=first.pk, actor=person(Role.OPERATOR), reason="try without")
    operator = browser(person(Role.OPERATOR))
    for reason, message in (
        ("", "This field is required."),
        ("a\x00b", "Null characters are not allowed."),
        ("x" * 2001, "at most 2000 characters (it has 2001)"),
    ):
        answer = operator.post("/releases/1/revert", {"reason": reason})
        assert answer.status_code == 422
        assert message in text(answer)
    again = operator.post("/releases/2/revert", {"reason": "Kept words"})
    assert again.status_code == 422
    assert "has the content that is served now" in text(again)
    assert "Kept words" in text(again)
    assert operator.post("/releases/99/revert", {"reason": "x"}).status_code == 404
    assert browser(person(Role.REVIEWER)).post("/releases/1/revert", {"reason": "x"}).status_code == 403
    done = operator.post("/releases/1/revert", {"reason": "worse without"})
    assert done.headers["Location"] == "/releases/3"
    first.refresh_from_db()
    assert (first.state, Release.objects.get(number=3).reason) == ("approved", "worse without")


def test_strangers_sign_in_first():
    insight = propose()
    for path in ("/queue", "/insights", f"/insights/{insight.pk}"):
        assert Client().get(path).status_code == 302
