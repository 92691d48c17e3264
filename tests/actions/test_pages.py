from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.actions import services
from apps.actions.models import ActionItem
from apps.catalog.services import ensure_service
from apps.postmortems.services import file_postmortem
from tests.insights.making import propose

from .making import in_days, opened, somebody

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]
MEASURED = {"metric": "false_alarms_per_day", "direction": "down"}


def page_of(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, answer.content.decode()
    return str(answer.content.decode())


def typed(ann: User, **changes: Any) -> dict[str, Any]:
    return {
        "title": "Move the batch",
        "owner": ann.pk,
        "due_on": in_days(5).isoformat(),
        "kind": "prevent",
        **changes,
    }


def test_mine_come_overdue_first_and_what_is_done_at_the_bottom(browser: Client, ann: User) -> None:
    later = opened(owner=ann, title="Much later", due_on=in_days(40))
    late = opened(owner=ann, title="Too late")
    ActionItem.objects.filter(pk=late.pk).update(due_on=in_days(-2))
    done = opened(owner=ann, title="All done", due_on=in_days(1))
    services.mark_done(action_id=done.pk, actor=ann)
    opened(title="Of somebody else")
    page = page_of(browser, "/actions")
    places = [page.index(text) for text in ("Too late", "Overdue by 2 days", "Much later", "All done")]
    assert places == sorted(places)
    assert "Of somebody else" not in page
    assert later.title in page_of(browser, "/actions?who=all")
    assert "Of somebody else" in page_of(browser, "/actions?who=all")


def test_the_list_is_narrowed_by_state_service_and_owner(browser: Client, ann: User) -> None:
    shop, bob = ensure_service("checkout"), somebody()
    opened(owner=ann, title="On checkout", service=shop)
    opened(owner=bob, title="Of Bob")
    dropped = opened(owner=ann, title="Given up")
    services.drop_action(action_id=dropped.pk, reason="Why not.", actor=ann)
    assert "Given up" not in page_of(browser, "/actions?service=checkout&who=all")
    assert "On checkout" in page_of(browser, "/actions?service=checkout&who=all")
    assert "Of Bob" in page_of(browser, f"/actions?owner={bob.username}")
    assert "Given up" in page_of(browser, "/actions?state=not_doing")
    assert "No action like this" in page_of(browser, "/actions?state=cancelled")


@pytest.mark.parametrize("query", ["state=heroics", "who=everyone", "service=a%00b", "owner=" + "x" * 151])
def test_a_wrong_filter_is_told_at_its_field(browser: Client, query: str) -> None:
    answer = browser.get(f"/actions?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()


def test_the_empty_list_says_where_to_go_next(browser: Client) -> None:
    assert "Nothing of yours to do" in page_of(browser, "/actions")
    assert "Nothing to do" in page_of(browser, "/actions?who=all")


def test_the_list_costs_the_same_for_two_rows_and_for_twelve(browser: Client, ann: User) -> None:
    page_of(browser, "/actions")  # the frame's first look is dearer
    costs = []
    for more in (2, 10):
        for _ in range(more):
            opened(owner=ann, service=ensure_service("checkout"))
            services.mark_done(action_id=opened(owner=ann).pk, actor=ann)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page_of(browser, "/actions")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_a_long_list_is_read_page_by_page(browser: Client, ann: User) -> None:
    for number in range(3):
        opened(owner=ann, title=f"Action {number}", due_on=in_days(number))
    first = browser.get("/actions?limit=2")
    assert "Action 1" in first.content.decode()
    assert "Action 2" not in first.content.decode()
    assert "Action 2" in page_of(browser, "/actions" + first.context["next_url"])


def test_an_action_is_opened_from_an_insight_and_a_review(browser: Client, ann: User) -> None:
    insight = propose(ann)
    review = file_postmortem(title="Slow", service="checkout", narrative="It was slow.", author=ann)
    form = page_of(browser, f"/actions/new?insight={insight.pk}&postmortem={review.pk}")
    assert "Alarm later" in form
    answer = browser.post(
        "/actions/new",
        typed(ann, insight_id=insight.pk, postmortem_id=review.pk, smallest_effect="30", **MEASURED),
    )
    action = ActionItem.objects.get()
    assert answer.status_code == 302
    assert answer["Location"] == f"/actions/{action.pk}"
    assert (action.insight_id, action.postmortem_id, action.smallest_effect) == (insight.pk, review.pk, 0.3)
    detail = page_of(browser, f"/actions/{action.pk}")
    assert f"/insights/{insight.pk}" in detail
    assert f"/postmortems/{review.pk}" in detail
    assert "30" in page_of(browser, f"/actions/{action.pk}/edit")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": ""}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "a\x00b"}),
        ("owner", {"owner": ""}),
        ("owner", {"owner": "999999"}),
        ("due_on", {"due_on": ""}),
        ("due_on", {"due_on": "tomorrow"}),
        ("due_on", {"due_on": "2001-01-01"}),
        ("due_on", {"due_on": "9999-12-31"}),
        ("kind", {"kind": "heroics"}),
        ("service", {"service": "nowhere"}),
        ("rank", {"rank": "0"}),
        ("rank", {"rank": "first"}),
        ("insight_id", {"insight_id": "999999", **MEASURED}),
        ("metric", {"metric": "mood"}),
        ("direction", {"metric": "recall"}),
        ("direction", {"metric": "recall", "direction": "down"}),
        ("smallest_effect", {**MEASURED, "smallest_effect": "100"}),
        ("smallest_effect", {**MEASURED, "smallest_effect": "-1"}),
        ("smallest_effect", {**MEASURED, "smallest_effect": "nan"}),
        ("postmortem_id", {"postmortem_id": "999999"}),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_all_that_was_typed_stays(
    browser: Client, ann: User, field: str, changes: dict[str, Any]
) -> None:
    answer = browser.post("/actions/new", typed(ann, **{"title": "Keep me", **changes}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    page = answer.content.decode()
    assert "There is a problem" in page
    assert "Keep me" in page or field == "title"
    assert not ActionItem.objects.exists()


def test_nobody_who_left_can_be_chosen(browser: Client, ann: User) -> None:
    gone = somebody()
    gone.is_active = False
    gone.save()
    answer = browser.post("/actions/new", typed(ann, owner=gone.pk))
    assert list(answer.context["form"].errors) == ["owner"]


def test_the_second_editor_is_told_and_loses_nothing(browser: Client, ann: User) -> None:
    action = opened(owner=ann)
    form = {"title": "Mine", "due_on": in_days(3).isoformat(), "kind": "repair", "version": 1}
    assert browser.post(f"/actions/{action.pk}/edit", {**form, "title": "First"}).status_code == 302
    answer = browser.post(f"/actions/{action.pk}/edit", form)
    assert answer.status_code == 422
    assert "Somebody else changed this action" in answer.content.decode()
    assert 'value="Mine"' in answer.content.decode()
    action.refresh_from_db()
    assert action.title == "First"


def test_it_is_started_done_and_opened_again_by_buttons(browser: Client, ann: User) -> None:
    action = opened(owner=ann)
    for name, given, state in (
        ("start", {}, "in_progress"),
        ("done", {"note": "It moved."}, "done"),
        ("reopen", {"note": "It moved back."}, "open"),
        ("drop", {"state": "cancelled", "reason": "The batch is gone."}, "cancelled"),
    ):
        answer = browser.post(f"/actions/{action.pk}/{name}", given)
        assert answer["Location"] == f"/actions/{action.pk}", name
        action.refresh_from_db()
        assert action.state == state
    page = page_of(browser, f"/actions/{action.pk}")
    assert "It moved back." in page
    assert "The batch is gone." in page


def test_it_is_handed_over(browser: Client, ann: User) -> None:
    action, bob = opened(owner=ann), somebody()
    browser.post(f"/actions/{action.pk}/reassign", {"owner": bob.pk, "note": "Your turn."})
    action.refresh_from_db()
    assert action.owner == bob
    assert bob.username in page_of(browser, f"/actions/{action.pk}")


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("done", {"note": "x" * 2001}, "note"),
        ("done", {"note": "a\x00b"}, "note"),
        ("drop", {"state": "not_doing", "reason": " "}, "reason"),
        ("drop", {"state": "done", "reason": "Kept words"}, "state"),
        ("reassign", {"owner": "999999", "note": "Kept words"}, "owner"),
        ("reassign", {"owner": "", "note": "Kept words"}, "owner"),
    ],
)
def test_a_button_that_is_refused_says_so_on_its_page(
    browser: Client, ann: User, name: str, given: dict[str, Any], field: str
) -> None:
    action = opened(owner=ann)
    answer = browser.post(f"/actions/{action.pk}/{name}", given)
    assert answer.status_code == 422
    assert list(answer.context["wrong"].errors) == [field]
    assert f'id="id_{name}_{field}"' in answer.content.decode()
    if given.get("note") == "Kept words" or given.get("reason") == "Kept words":
        assert "Kept words" in answer.content.decode()
    action.refresh_from_db()
    assert action.state == "open"


def test_done_twice_is_told(browser: Client, ann: User) -> None:
    action = opened(owner=ann)
    browser.post(f"/actions/{action.pk}/done")
    answer = browser.post(f"/actions/{action.pk}/done")
    assert answer.status_code == 422
    assert "done by" in answer.content.decode()


def test_readers_read_and_change_nothing() -> None:
    action, client = opened(), Client()
    client.force_login(somebody(Role.VIEWER))
    page = page_of(client, f"/actions/{action.pk}")
    assert "Mark as done" not in page
    assert client.post(f"/actions/{action.pk}/done").status_code == 403
    assert client.get("/actions/new").status_code == 403


def test_what_is_not_there_is_not_found(browser: Client) -> None:
    for path in ("/actions/999999", "/actions/999999/edit", "/actions/999999/verdict"):
        assert browser.get(path).status_code == 404
    assert browser.post("/actions/999999/done").status_code == 404
    assert browser.get("/actions?cursor=x").status_code == 404
