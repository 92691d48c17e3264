"""Trackers and issues by page and by API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.actions import services
from apps.actions.models import ActionItem, IssueLink, Tracker
from apps.audit import outbox
from tests.actions.making import opened, somebody
from tests.people import api_of

from .server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.accounts.models import User

    from .conftest import Made
    from .server import Running

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture
def office(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def typed(running: Running, **changes: str) -> dict[str, str]:
    return {
        "name": "Shop",
        "kind": "github",
        "base_url": running.url,
        "project": "octo/shop",
        "token": TOKEN,
        **changes,
    }


def test_an_administrator_adds_tries_and_removes_a_tracker(office: Client, running: Running) -> None:
    assert "No tracker yet" in office.get("/trackers").content.decode()
    added = office.post("/trackers/new", typed(running))
    tracker = Tracker.objects.get()
    secret = added.context["secret"]
    assert secret in added.content.decode()
    assert f"/hooks/trackers/{tracker.key}" in added.content.decode()
    page = office.get(f"/trackers/{tracker.pk}").content.decode()
    assert secret not in page
    assert TOKEN not in page
    answer = office.post(f"/trackers/{tracker.pk}/test", follow=True)
    assert "It answered: octo/shop." in answer.content.decode()
    assert "Answers" in office.get("/trackers").content.decode()
    running.world.failures.append((500, {}))
    office.post(f"/trackers/{tracker.pk}/test")
    assert "It answered 500" in office.get(f"/trackers/{tracker.pk}").content.decode()
    office.post(f"/trackers/{tracker.pk}/remove")
    assert office.get(f"/trackers/{tracker.pk}").status_code == 404


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("base_url", {"base_url": "http://169.254.169.254"}),
        ("base_url", {"base_url": ""}),
        ("project", {"project": "shop"}),
        ("token", {"token": ""}),
        ("kind", {"kind": "bugzilla"}),
        ("name", {"name": "x" * 81}),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    office: Client, running: Running, field: str, changes: dict[str, str]
) -> None:
    answer = office.post("/trackers/new", typed(running, **{"account": "keep@example.org", **changes}))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert "keep@example.org" in answer.content.decode()
    assert TOKEN not in answer.content.decode()
    assert not Tracker.objects.exists()


def test_people_are_named_and_a_double_is_told(office: Client, add: Callable[..., Made], ann: User) -> None:
    tracker, _ = add()
    bob = somebody()
    url = f"/trackers/{tracker.pk}/people"
    assert office.post(url, {f"login-{ann.pk}": "octocat"}).status_code == 302
    assert 'value="octocat"' in office.get(f"/trackers/{tracker.pk}").content.decode()
    wrong = office.post(url, {f"login-{bob.pk}": "octocat"})
    assert wrong.status_code == 422
    assert "somebody else there" in wrong.content.decode()


def test_an_action_is_linked_seen_and_parted_on_its_page(
    browser: Client, ann: User, add: Callable[..., Made], running: Running
) -> None:
    action = opened(owner=ann)
    assert "issue-link" not in browser.get(f"/actions/{action.pk}").content.decode()
    tracker, _ = add()
    url = f"/actions/{action.pk}/issue"
    wrong = browser.post(url, {"tracker_id": tracker.pk, "key": "seven"})
    assert wrong.status_code == 422
    assert list(wrong.context["wrong"].errors) == ["key"]
    assert browser.post(url, {"tracker_id": "999999"}).status_code == 422
    browser.post(url, {"tracker_id": tracker.pk, "key": ""})
    assert "a worker is making it" in browser.get(f"/actions/{action.pk}").content.decode()
    outbox.drain()
    page = browser.get(f"/actions/{action.pk}").content.decode()
    assert "https://github.example/octo/shop/issues/1" in page
    assert "In step since" in page
    running.world.failures.append((429, {"Retry-After": "600"}))
    browser.post(f"{url}/again")
    outbox.drain()
    page = browser.get(f"/actions/{action.pk}").content.decode()
    assert "It answered 429" in page
    assert "Tried again" in page
    IssueLink.objects.update(awaits_reason="not_planned")
    assert "closed there without being done" in browser.get(f"/actions/{action.pk}").content.decode()
    browser.post(f"{url}/unlink")
    assert not IssueLink.objects.filter(removed_at=None).exists()


def test_the_list_of_trackers_costs_the_same_for_one_and_for_many(
    office: Client, add: Callable[..., Made]
) -> None:
    office.get("/trackers")
    costs = []
    for more in (1, 5):
        for number in range(more):
            tracker, _ = add(name=f"Tracker {more}.{number}")
            action = opened()
            services.link_issue(action_id=action.pk, tracker_id=tracker.pk, actor=action.owner)
        with CaptureQueriesContext(connection) as queries:
            office.get("/trackers")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_the_api_does_what_the_pages_do(running: Running, admin: User, ann: User) -> None:
    api = api_of(admin)
    made = api.send("POST", "/api/v1/trackers", typed(running), key="one")
    assert made.status_code == 201, made.content
    assert made.json()["webhook_secret"]
    assert "token" not in made.json()
    pk = made.json()["id"]
    listed = api.send("GET", "/api/v1/trackers").json()["items"]
    assert listed == [api.send("GET", f"/api/v1/trackers/{pk}").json()]
    assert "webhook_secret" not in listed[0]
    assert api.send("POST", f"/api/v1/trackers/{pk}/test", {}).json() == {"project": "octo/shop"}
    running.world.failures.append((500, {}))
    failed = api.send("POST", f"/api/v1/trackers/{pk}/test", {})
    assert (failed.status_code, failed.json()["code"]) == (502, "tracker_failed")
    people = f"/api/v1/trackers/{pk}/people"
    assert api.send("POST", people, {"people": {ann.username: "octocat"}}).status_code == 204
    assert api.send("POST", people, {"people": {"nobody": "x"}}).status_code == 422
    action = opened(owner=ann)
    mine, issue = api_of(ann), f"/api/v1/actions/{action.pk}/issue"
    assert mine.send("GET", issue).status_code == 404
    linked = mine.send("POST", issue, {"tracker": pk})
    assert (linked.status_code, linked.json()["key"]) == (201, "")
    outbox.drain()
    assert mine.send("GET", issue).json()["state"] == "open"
    assert running.world.issues["1"]["assignees"] == [{"login": "octocat"}]
    assert mine.send("DELETE", issue).status_code == 204
    assert mine.send("POST", "/api/v1/trackers", typed(running)).status_code == 403
    assert api.send("DELETE", f"/api/v1/trackers/{pk}").status_code == 204
    assert api.send("GET", f"/api/v1/trackers/{pk}").status_code == 404


def test_an_action_is_worked_on_by_api(ann: User) -> None:
    api, action, bob = api_of(ann), opened(owner=ann), somebody()

    def send(way: str, body: dict[str, Any], method: str = "POST") -> Any:
        return api.send(method, f"/api/v1/actions/{action.pk}{way}", body)

    changed = send("", {"version": 1, "metric": "recall", "direction": "up", "smallest_effect": 0.1}, "PATCH")
    assert (changed.status_code, changed.json()["test"]) == (200, "exact_binomial")
    assert send("", {"version": 1, "title": "x"}, "PATCH").json()["code"] == "stale_version"
    wrong = send("", {"version": 2, "insight": 999_999}, "PATCH")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "insight")
    assert send("/start", {}).json()["state"] == "in_progress"
    assert send("/reassign", {"owner": bob.username}).json()["owner"] == bob.username
    assert send("/reassign", {"owner": "nobody"}).status_code == 422
    assert send("/drop", {"reason": " "}).status_code in {400, 422}
    assert send("/drop", {"reason": "Gone.", "state": "done"}).status_code == 422
    assert send("/drop", {"reason": "Gone."}).json()["reason"] == "Gone."
    assert send("/reopen", {}).json()["state"] == "open"
    assert ActionItem.objects.get().version == 6
