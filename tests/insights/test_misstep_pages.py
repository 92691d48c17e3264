"""What failed before, on every page and in every answer where somebody proposes or judges."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.insights.models import Approval, Misstep
from tests.insights.making import WHY, person, propose
from tests.insights.test_editor_pages import typed
from tests.insights.test_gate import SERIES
from tests.insights.test_missteps import rejected
from tests.people import api_of
from tests.reading import queries, signed_in, text_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def test_the_card_begins_with_it_and_asks_for_the_tick(client):
    rejected()
    again, reviewer = propose(), person(Role.REVIEWER)
    client.force_login(reviewer)
    page = text_of(client.get(f"/insights/{again.pk}"))
    assert page.index("This was tried before, and it failed") < page.index("Not served yet")
    assert "Rejected in review Alarm later" in page
    assert "It hides the batch." in page
    typed = {
        "revision": 1,
        "missteps_shown": Misstep.objects.get().pk,
        "override_reason": WHY,
        **dict.fromkeys(("relevance", "timeliness", "breadth", "actionability"), 4),
    }
    answer = client.post(f"/insights/{again.pk}/approve", typed)
    assert answer.status_code == 422
    assert "Read what failed before, at the top of this page, and tick this." in text_of(answer)
    assert Approval.objects.count() == 0
    assert client.post(f"/insights/{again.pk}/approve", typed | {"missteps_read": "on"}).status_code == 302
    assert Approval.objects.get().missteps_read == [Misstep.objects.get().pk]


def test_the_queue_tells_of_it_at_a_constant_price():
    rejected()
    propose()
    browser = signed_in(person(Role.REVIEWER))
    assert "Failed before Rejected in review: It hides the batch." in text_of(browser.get("/queue"))
    price = queries(browser, "/queue")
    for value in (0.7, 0.8, 0.9):
        propose(signals=[{"kind": "theta_scale", "value": value}])
    assert queries(browser, "/queue") == price


def test_the_preview_begins_with_it():
    rejected(scope=SERIES)
    answer = signed_in(person(Role.RESPONDER)).post(
        "/insights/new", typed(do="preview", theta_log2="1.25"), headers={"HX-Request": "true"}
    )
    assert text_of(answer).startswith("This was tried before, and it failed")


def test_the_page_lists_what_failed_narrows_and_turns():
    empty = text_of(signed_in(person(Role.VIEWER)).get("/missteps"))
    assert "No misstep yet" in empty
    rejected()
    rejected(scope="cart/errors", signals=[{"kind": "direction", "value": "up"}], title="Only upwards")
    browser = signed_in(person(Role.VIEWER))
    assert "Only upwards" in text_of(browser.get("/missteps?service=cart&kind=direction&why=rejected"))
    assert "Nothing matches" in text_of(browser.get("/missteps?service=cart&kind=theta_scale"))
    assert browser.get("/missteps?kind=mood").status_code == 422
    first = browser.get("/missteps?limit=1")
    assert "Only upwards" in text_of(first)
    following = first.context["next_url"]
    assert "Alarm later" in text_of(browser.get(f"/missteps{following}"))
    price = queries(browser, "/missteps")
    rejected(scope="cart/latency")
    assert queries(browser, "/missteps") == price


def test_the_api_begins_with_it_and_names_the_field():
    rejected()
    again, reviewer = propose(), api_of(person(Role.REVIEWER))
    body = reviewer.send("GET", f"/api/v1/insights/{again.pk}").json()
    row = Misstep.objects.get()
    assert next(iter(body)) == "missteps"
    assert [(one["id"], one["why"]) for one in body["missteps"]] == [(row.pk, "rejected")]
    refused = reviewer.send("POST", f"/api/v1/insights/{again.pk}/approve", {"override_reason": WHY})
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        409,
        "missteps_unread",
        "missteps_read",
    )
    done = reviewer.send(
        "POST", f"/api/v1/insights/{again.pk}/approve", {"override_reason": WHY, "missteps_read": [row.pk]}
    )
    assert done.json()["approvals"][0]["missteps_read"] == [row.pk]
    queue = reviewer.send("GET", "/api/v1/queue").json()
    assert [one["missteps"][0]["id"] for one in queue["for_others"]] == [row.pk]
    listed = reviewer.send("GET", "/api/v1/missteps?service=checkout").json()["items"]
    assert [one["title"] for one in listed] == ["Alarm later"]
