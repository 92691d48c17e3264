"""What trackers tell us by signed webhooks: verified, taken once, the later change winning."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from apps.actions import services
from apps.actions.models import ActionEvent, ActionItem, IssueLink, TrackerDelivery, TrackerPerson
from apps.actions.services import mirroring
from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from apps.notices.models import Notice
from tests.actions.making import opened, somebody

from . import hooks
from .server import gh_issue, jira_issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Made
    from .server import Running

pytestmark = [pytest.mark.api, pytest.mark.django_db]


def later(seconds: float = 60) -> str:
    return (timezone.now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def later_ms(seconds: float = 60) -> int:
    return int((datetime.now(UTC) + timedelta(seconds=seconds)).timestamp() * 1000)


class Pair:
    """An action linked to an issue that is there: number 7, or OPS-7."""

    def __init__(self, add: Callable[..., Made], running: Running, kind: str = "github") -> None:
        self.tracker, self.secret = add(kind)
        key = "7" if kind == "github" else "OPS-7"
        running.world.issues[key] = gh_issue(7) if kind == "github" else jira_issue(key)
        self.action = opened()
        self.link = services.link_issue(
            action_id=self.action.pk, tracker_id=self.tracker.pk, key=key, actor=self.action.owner
        )
        outbox.drain()
        self._send = hooks.github if kind == "github" else hooks.jira

    def send(self, body: dict[str, Any], **headers: str) -> Any:
        answer = self._send(self.tracker, self.secret, body, **headers)
        self.action = ActionItem.objects.get(pk=self.action.pk)
        self.link = IssueLink.objects.get(pk=self.link.pk)
        return answer


def test_closed_as_completed_is_done_and_measured(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    answer = pair.send(hooks.gh_event("closed", at=later(), state="closed", state_reason="completed"))
    assert answer.json() == {"outcome": "state: done"}
    assert (pair.action.state, pair.action.done_by) == ("done", pair.action.owner)
    assert Outbox.objects.filter(kind="impact.judge_action", key=f"{pair.action.pk}:1").exists()
    event = ActionEvent.objects.filter(action=pair.action).latest("pk")
    assert (event.kind, event.actor) == ("done", "Shop on github: octocat")
    assert AuditRecord.objects.latest("id").actor == "Shop on github: octocat"
    assert pair.link.pending == {}  # what came from there is not told back


@pytest.mark.parametrize("why", ["not_planned", "duplicate"])
def test_closed_without_being_done_waits_for_a_reason(
    add: Callable[..., Made], running: Running, why: str
) -> None:
    pair = Pair(add, running)
    answer = pair.send(hooks.gh_event("closed", at=later(), state="closed", state_reason=why))
    assert answer.json() == {"outcome": "state: waits for a reason"}
    assert (pair.action.state, pair.link.awaits_reason) == ("open", why)
    assert Notice.objects.filter(person=pair.action.owner, kind="actions.needs_reason").count() == 1
    services.drop_action(action_id=pair.action.pk, reason="The batch is gone.", actor=pair.action.owner)
    assert IssueLink.objects.get(pk=pair.link.pk).awaits_reason == ""


def test_opened_again_there_is_open_again_here(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    pair.send(hooks.gh_event("closed", at=later(), state="closed", state_reason="completed"))
    answer = pair.send(hooks.gh_event("reopened", at=later(120)))
    assert answer.json() == {"outcome": "state: open again"}
    assert pair.action.state == "open"


def test_title_and_assignee_are_taken_over(add: Callable[..., Made], running: Running) -> None:
    pair, jo = Pair(add, running), somebody()
    TrackerPerson.objects.create(tracker=pair.tracker, person=jo, login="jo")
    edited = hooks.gh_event("edited", at=later(), title="Theirs", changes={"title": {"from": "x"}})
    assert pair.send(edited).json() == {"outcome": "title: taken over"}
    assigned = hooks.gh_event("assigned", at=later(90), assignee={"login": "jo"}, logins=["jo"])
    assert pair.send(assigned).json() == {"outcome": "owner: taken over"}
    assert (pair.action.title, pair.action.owner) == ("Theirs", jo)
    stranger = hooks.gh_event("assigned", at=later(120), assignee={"login": "eve"}, logins=["eve"])
    assert pair.send(stranger).json() == {"outcome": "owner: not taken over"}
    assert pair.action.owner == jo
    assert "Nobody of ours is eve there" in ActionEvent.objects.latest("pk").note


def test_of_two_changes_the_later_wins_and_both_are_in_the_history(
    add: Callable[..., Made], running: Running
) -> None:
    pair = Pair(add, running)
    services.amend_action(
        action_id=pair.action.pk, seen_version=1, actor=pair.action.owner, title="Ours, later"
    )
    old = hooks.gh_event("edited", at=later(-3600), title="Theirs, earlier", changes={"title": {"from": "x"}})
    assert pair.send(old).json() == {"outcome": "title: older than ours"}
    assert pair.action.title == "Ours, later"
    told = ActionEvent.objects.filter(action=pair.action).latest("pk")
    assert (told.kind, told.changes) == ("synced", {"title": ["Ours, later", "Theirs, earlier"]})
    new = hooks.gh_event("edited", at=later(3600), title="Theirs, later", changes={"title": {"from": "x"}})
    assert pair.send(new).json() == {"outcome": "title: taken over"}
    outbox.drain()
    assert running.world.made("PATCH") == []  # ours was overtaken before it was told


def test_deliveries_out_of_order_end_at_the_newest(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    pair.send(hooks.gh_event("reopened", at=later(200)))
    pair.send(hooks.gh_event("closed", at=later(100), state="closed", state_reason="completed"))
    assert pair.action.state == "open"


def test_our_own_words_are_no_news(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    actor = pair.action.owner
    services.amend_action(action_id=pair.action.pk, seen_version=1, actor=actor, title="First")
    outbox.drain()
    services.amend_action(action_id=pair.action.pk, seen_version=2, actor=actor, title="Second")
    echo = hooks.gh_event("edited", at=later(), title="First", changes={"title": {"from": "x"}})
    assert pair.send(echo).json() == {"outcome": "title: our own words"}
    assert pair.action.title == "Second"
    outbox.drain()
    assert running.world.issues["7"]["title"] == "Second"


def test_a_repeated_delivery_is_taken_once(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    body = hooks.gh_event("closed", at=later(), state="closed", state_reason="completed")
    pair.send(body, X_GitHub_Delivery="once")
    assert pair.send(body, X_GitHub_Delivery="once").json() == {"outcome": "taken already"}
    replayed = pair.send(body, X_GitHub_Delivery="another")
    assert (replayed.status_code, replayed.json()["code"]) == (409, "replayed")
    assert ActionEvent.objects.filter(action=pair.action, kind="done").count() == 1
    assert TrackerDelivery.objects.count() == 1


def test_only_its_own_secret_opens_the_door(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    body = hooks.gh_event("closed", at=later(), state="closed", state_reason="completed")
    raw = json.dumps(body).encode()
    for wrong in (
        hooks.signature("another secret", raw),
        hooks.signature(pair.secret, raw + b" "),
        hooks.signature(pair.secret, raw).removeprefix("sha256="),
        "",
        "sha256=\u00e9".encode().decode("latin-1"),
    ):
        answer = pair.send(body, X_Hub_Signature_256=wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_signature")
    assert pair.action.state == "open"
    assert not TrackerDelivery.objects.exists()


def test_an_unknown_or_removed_tracker_looks_like_no_page(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    body = hooks.gh_event("closed", at=later(), state="closed")
    services.remove_tracker(tracker_id=pair.tracker.pk, actor=pair.action.owner)
    assert pair.send(body).status_code == 404
    pair.tracker.key = uuid.uuid4()
    assert hooks.github(pair.tracker, pair.secret, body).status_code == 404


def test_what_is_too_large_malformed_or_too_much_is_refused(
    add: Callable[..., Made], running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(add, running)
    large = {"action": "x" * 2**20}
    assert pair.send(large).status_code == 413
    for broken in (
        {"action": "closed"},
        {"action": "closed", "issue": []},
        {"action": "edited", "issue": {}},
    ):
        assert pair.send(broken).status_code == 422, broken
    late = hooks.gh_event("reopened", at="soon")
    assert pair.send(late).status_code == 422
    raw = b"{"
    headers = {"X-GitHub-Delivery": "d", "X-Hub-Signature-256": hooks.signature(pair.secret, raw)}
    assert hooks.deliver(pair.tracker, raw, headers).status_code == 400
    assert pair.send({"zen": "Keep it simple."}, X_GitHub_Delivery="").status_code == 422
    monkeypatch.setattr(mirroring, "RATE", 1)
    assert pair.send({"zen": "Keep it simple."}, X_GitHub_Event="ping").status_code == 200
    slow = pair.send({"zen": "Keep it simpler."}, X_GitHub_Event="ping")
    assert (slow.status_code, slow["Retry-After"]) == (429, "60")


def test_other_issues_events_and_removals_do_no_harm(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    other = hooks.gh_event("closed", 8, at=later(), state="closed", state_reason="completed")
    assert pair.send(other).json() == {"outcome": "no action is linked to it"}
    assert pair.send(hooks.gh_event("labeled", at=later())).json() == {"outcome": "noted"}
    pair.send(hooks.gh_event("deleted", at=later()))
    assert pair.link.error == "The issue was removed there."
    assert pair.action.state == "open"


def test_news_of_our_new_issue_may_outrun_the_answer(add: Callable[..., Made], running: Running) -> None:
    tracker, secret = add()
    action = opened()
    link = services.link_issue(action_id=action.pk, tracker_id=tracker.pk, actor=action.owner)
    body = f"Text\n\n<!-- aftercast-{link.marker.hex} -->"
    answer = hooks.github(tracker, secret, hooks.gh_event("opened", 3, at=later(), body=body))
    assert answer.json() == {"outcome": "noted"}
    assert IssueLink.objects.get(pk=link.pk).key == "3"
    running.world.issues["3"] = gh_issue(3)
    outbox.drain()
    assert running.world.made("POST") == []


def test_jira_tells_fields_by_its_change_log(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running, "jira")
    due = (timezone.now() + timedelta(days=40)).date().isoformat()
    moved = hooks.jira_event(
        ("summary", "Old", "Theirs"),
        ("duedate", None, due),
        ("labels", "", "x"),
        at_ms=later_ms(),
        summary="Theirs",
        duedate=due,
    )
    assert pair.send(moved).json() == {"outcome": "due_on: taken over; title: taken over"}
    assert (pair.action.title, pair.action.due_on.isoformat()) == ("Theirs", due)
    started = {"name": "In Progress", "statusCategory": {"key": "indeterminate"}}
    pair.send(hooks.jira_event(("status", "To Do", "In Progress"), at_ms=later_ms(90), status=started))
    assert pair.action.state == "in_progress"


@pytest.mark.parametrize(
    ("closed", "state", "awaits"),
    [
        (("Done", "Done"), "done", ""),
        (("Done", None), "done", ""),
        (("Closed", "Won't Do"), "open", "not_planned"),
        (("Closed", "Duplicate"), "open", "not_planned"),
        (("Declined", None), "open", "not_planned"),
    ],
)
def test_jira_closes_as_done_or_waits_for_a_reason(
    add: Callable[..., Made], running: Running, closed: tuple[str, str | None], state: str, awaits: str
) -> None:
    status, resolution = closed
    pair = Pair(add, running, "jira")
    body = hooks.jira_event(
        ("status", "To Do", status),
        ("resolution", None, resolution),
        at_ms=later_ms(),
        status={"name": status, "statusCategory": {"key": "done"}},
        resolution={"name": resolution} if resolution else None,
    )
    pair.send(body)
    assert (pair.action.state, pair.link.awaits_reason) == (state, awaits)


def test_jira_without_identifiers_is_known_by_its_body(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running, "jira")
    body = hooks.jira_event(("summary", "a", "b"), at_ms=later_ms(), summary="b")
    assert pair.send(body, X_Atlassian_Webhook_Identifier="").json() == {"outcome": "title: taken over"}
    again = pair.send(body, X_Atlassian_Webhook_Identifier="")
    assert again.json() == {"outcome": "taken already"}
    assert pair.send(body, X_Hub_Signature="sha256=00").status_code == 401


def test_the_criterion_is_ours(add: Callable[..., Made], running: Running) -> None:
    pair = Pair(add, running)
    before = pair.action.criterion_registered_at
    edited = hooks.gh_event("edited", at=later(), title="Theirs", changes={"title": {"from": "x"}})
    pair.send(edited | {"criterion": {"metric": "recall"}, "metric": "recall"})
    assert (pair.action.metric, pair.action.criterion_registered_at) == ("", before)
