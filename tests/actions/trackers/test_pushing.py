"""Our changes reach the issue, once, whatever fails on the way. Against a real HTTP server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from apps.actions import services
from apps.actions.models import ActionEvent, ActionItem, IssueLink, TrackerPerson
from apps.actions.trackers import guarded, pushing, waiting
from apps.audit import outbox
from apps.audit.models import Outbox
from tests.actions.making import in_days, opened, somebody

from .server import gh_issue, jira_issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Made
    from .server import Running

pytestmark = [pytest.mark.api, pytest.mark.django_db]


def linked(add: Callable[..., Made], kind: str = "github", key: str = "") -> tuple[ActionItem, IssueLink]:
    tracker, _ = add(kind)
    action = opened()
    TrackerPerson.objects.create(tracker=tracker, person=action.owner, login="octocat")
    link = services.link_issue(action_id=action.pk, tracker_id=tracker.pk, key=key, actor=action.owner)
    outbox.drain()
    return action, fresh(link)


def fresh(link: IssueLink) -> IssueLink:
    return IssueLink.objects.get(pk=link.pk)


def tried_again(link: IssueLink) -> IssueLink:
    """An hour or a day later, as beat does it."""
    waiting.ask_again(timezone.now() + timedelta(days=2))
    outbox.drain()
    return fresh(link)


@pytest.mark.parametrize(("kind", "key"), [("github", "1"), ("jira", "OPS-1")])
def test_an_issue_is_made_with_what_the_tracker_has_room_for(
    add: Callable[..., Made], running: Running, kind: str, key: str
) -> None:
    action, link = linked(add, kind)
    assert (link.key, link.error, link.remote_state) == (key, "", "open")
    made = running.world.issues[key]
    if kind == "github":
        assert made["title"] == action.title
        assert made["assignees"] == [{"login": "octocat"}]
        assert f"<!-- aftercast-{link.marker.hex} -->" in made["body"]
        assert f"/actions/{action.pk}" in made["body"]
    else:
        fields = made["fields"]
        assert (fields["summary"], fields["duedate"]) == (action.title, action.due_on.isoformat())
        assert fields["labels"] == [f"aftercast-{link.marker.hex}"]
        assert fields["assignee"] == {"name": "octocat"}
    assert ActionEvent.objects.filter(action=action, kind="linked").exists()


def test_changes_of_title_owner_and_state_follow(add: Callable[..., Made], running: Running) -> None:
    action, link = linked(add)
    other = somebody()
    TrackerPerson.objects.create(tracker=link.tracker, person=other, login="hubot")
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title="New title")
    services.reassign(action_id=action.pk, owner=other, actor=action.owner)
    services.mark_done(action_id=action.pk, actor=other)
    outbox.drain()
    issue = running.world.issues["1"]
    assert (issue["title"], issue["state"], issue["state_reason"]) == ("New title", "closed", "completed")
    assert issue["assignees"] == [{"login": "hubot"}]
    assert fresh(link).pending == {}
    services.reopen(action_id=action.pk, actor=other)
    outbox.drain()
    assert (issue["state"], issue["state_reason"]) == ("open", "reopened")
    services.drop_action(action_id=action.pk, reason="No use.", actor=other)
    outbox.drain()
    assert (issue["state"], issue["state_reason"]) == ("closed", "not_planned")
    assert fresh(link).remote_state == "closed: not planned"


def test_jira_gets_fields_by_put_and_states_by_the_transition_that_says_why(
    add: Callable[..., Made], running: Running
) -> None:
    action, link = linked(add, "jira")
    due = in_days(30)
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title="Y", due_on=due)
    services.drop_action(action_id=action.pk, reason="No use.", actor=action.owner)
    outbox.drain()
    fields = running.world.issues["OPS-1"]["fields"]
    assert (fields["summary"], fields["duedate"]) == ("Y", due.isoformat())
    assert fields["status"]["name"] == "Declined"
    services.reopen(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert fields["status"]["name"] == "In Progress"
    services.mark_done(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert fields["status"]["name"] == "Done"
    assert fresh(link).error == ""


def test_a_workflow_without_the_transition_is_told(add: Callable[..., Made], running: Running) -> None:
    action, link = linked(add, "jira")
    running.world.transitions = []
    services.mark_done(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert "offers no transition of OPS-1 to a done status" in fresh(link).error
    assert "state" in fresh(link).pending


@pytest.mark.parametrize("kind", ["github", "jira"])
def test_killed_between_the_call_and_the_commit_no_second_issue_is_made(
    add: Callable[..., Made], running: Running, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    reached: list[str] = []

    def die(name: str) -> None:
        if not reached:
            reached.append(name)
            raise SystemExit("killed")

    monkeypatch.setattr("apps.common.failpoints.reach", die)
    tracker, _ = add(kind)
    action = opened()
    link = services.link_issue(action_id=action.pk, tracker_id=tracker.pk, actor=action.owner)
    with pytest.raises(SystemExit):
        outbox.drain()
    assert (len(running.world.issues), fresh(link).key) == (1, "")
    waiting.ask(link)
    outbox.drain()
    assert len(running.world.issues) == 1
    assert fresh(link).key in running.world.issues


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((500, {}), ("It answered 500: Something is wrong.", 30, 120)),
        ((429, {"Retry-After": "777"}), ("It answered 429: Something is wrong.", 770, 780)),
        ((429, {}), ("It answered 429", 50, 61)),
        ((403, {"Retry-After": "120"}), ("It answered 403", 110, 121)),
        ((401, {}), ("It answered 401", 30, 120)),
        ((301, {"Location": "http://127.0.0.1:1/"}), ("It answered 301", 30, 120)),
    ],
)
def test_a_refusal_is_readable_and_tried_again_in_time(
    add: Callable[..., Made],
    running: Running,
    refusal: tuple[int, dict[str, str]],
    told: tuple[str, int, int],
) -> None:
    (status, headers), (said, least_s, most_s) = refusal, told
    action, link = linked(add)
    running.world.failures.append((status, headers))
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title="Later")
    outbox.drain()
    failed = fresh(link)
    assert failed.error.startswith(said)
    assert failed.retry_at is not None
    assert least_s <= (failed.retry_at - timezone.now()).total_seconds() <= most_s
    calls = len(running.world.calls)
    waiting.ask(failed)
    outbox.drain()
    assert len(running.world.calls) == calls  # not before its time
    assert waiting.ask_again() == 0
    healed = tried_again(failed)
    assert (healed.error, healed.failures, healed.pending) == ("", 0, {})
    assert running.world.issues["1"]["title"] == "Later"
    assert not Outbox.objects.filter(kind="actions.sync_issue").exclude(state="done").exists()


def test_silence_and_absence_are_told_apart(
    add: Callable[..., Made], running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    action, link = linked(add)
    monkeypatch.setattr(guarded, "TIMEOUT", (0.2, 0.2))
    running.world.slow_s = 1.0
    services.look_again(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert fresh(link).error.startswith("No answer within")
    running.world.slow_s = 0
    running.world.issues.clear()
    services.look_again(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert fresh(link).error.startswith("There is no issue 1 there")
    running.stop()
    running.stop = lambda: None  # type: ignore[method-assign]  # stopped already
    services.look_again(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert fresh(link).error.startswith("It cannot be reached.")


def test_an_existing_issue_is_linked_and_left_as_it_is(add: Callable[..., Made], running: Running) -> None:
    running.world.issues["42"] = gh_issue(42, title="Theirs", state="closed", state_reason="duplicate")
    action, link = linked(add, key="#42")
    assert (link.key, link.remote_title, link.remote_state) == ("42", "Theirs", "closed: duplicate")
    assert running.world.made("POST") == running.world.made("PATCH") == []
    action.refresh_from_db()
    assert action.title != "Theirs"


def test_an_owner_who_is_nobody_there_is_told(add: Callable[..., Made], running: Running) -> None:
    action, link = linked(add)
    other = somebody()
    services.reassign(action_id=action.pk, owner=other, actor=action.owner)
    outbox.drain()
    assert fresh(link).error == f"{other.name} is not known there: the assignee stayed as it was."
    assert running.world.issues["1"]["assignees"] == [{"login": "octocat"}]


@pytest.mark.parametrize(("kind", "key"), [("github", "1"), ("jira", "OPS-1")])
def test_a_verdict_becomes_one_comment(
    add: Callable[..., Made], running: Running, kind: str, key: str
) -> None:
    action, link = linked(add, kind)
    payload: dict[str, Any] = {"action": action.pk, "text": "Improved: 30 % fewer false alarms."}
    for _ in range(2):
        waiting.comment(key="5:1", payload=payload)
        outbox.drain()
    assert len(running.world.comments[key]) == 1
    assert "30 % fewer" in running.world.comments[key][0]["body"]
    assert fresh(link).pending == {}
    waiting.comment(key="9:1", payload={"action": opened().pk, "text": "Nobody hears it."})


def test_parted_or_removed_nothing_is_told_any_more(add: Callable[..., Made], running: Running) -> None:
    action, link = linked(add)
    services.unlink_issue(action_id=action.pk, actor=action.owner)
    services.mark_done(action_id=action.pk, actor=action.owner)
    outbox.drain()
    assert running.world.issues["1"]["state"] == "open"
    again = services.link_issue(action_id=action.pk, tracker_id=link.tracker_id, key="1", actor=action.owner)
    services.remove_tracker(tracker_id=link.tracker_id, actor=action.owner)
    before = len(running.world.calls)
    outbox.drain()
    assert len(running.world.calls) == before
    assert fresh(again).removed_at is not None


def test_two_workers_do_not_speak_at_once(add: Callable[..., Made], running: Running) -> None:
    import psycopg  # noqa: PLC0415  # a session of its own
    from django.conf import settings  # noqa: PLC0415

    _, link = linked(add)
    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    ) as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [f"actions.link:{link.pk}"])
        with pytest.raises(pushing.BusyError):
            pushing.sync(key="x", payload={"link": link.pk})
        other.execute("SELECT pg_advisory_unlock_all()")
    pushing.sync(key="x", payload={"link": link.pk})


def test_jira_of_a_data_center_is_searched_the_old_way(add: Callable[..., Made], running: Running) -> None:
    running.world.failures.append((404, {}))  # no /search/jql there, and no /search on this server either
    tracker, _ = add("jira")
    action = opened()
    link = services.link_issue(action_id=action.pk, tracker_id=tracker.pk, actor=action.owner)
    outbox.drain()
    assert running.world.made("GET")[:2] == ["/rest/api/2/search/jql", "/rest/api/2/search"]
    assert fresh(link).failures == 1
    running.world.issues["OPS-9"] = jira_issue("OPS-9", labels=[f"aftercast-{link.marker.hex}"])
    assert tried_again(link).key == "OPS-9"
