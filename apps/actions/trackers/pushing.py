"""The worker's part: make the issue as the action is. Safe to be killed anywhere and run again."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from apps.actions.models import ActionItem, IssueLink, State, TrackerPerson
from apps.actions.wording import criterion_of
from apps.common import failpoints

from . import waiting
from .clients import client_of
from .issues import COMPLETED, NOT_PLANNED, Issue, NoSuchIssueError, TrackerError, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .issues import Client

log = structlog.get_logger(__name__)
CREATED = "actions.issue_created"  # fail-point: the issue is there, and we do not know it yet
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 3600.0
CLOCKS_DIFFER = timedelta(hours=1)
COMMENT = "comment:"


class BusyError(RuntimeError):
    """Another worker speaks of this issue at the moment."""


def sync(*, key: str, payload: Mapping[str, Any]) -> None:
    """Outbox handler: tell the issue what it was not told yet, and note how it is over there.

    A call that fails is noted at the link and tried again at a time of its own; the row is done.

    Raises:
        BusyError: another worker is at it; the outbox calls again.
    """
    del key  # the row says: go and look
    with _alone(payload["link"]):
        link = (
            IssueLink.objects.select_related("tracker", "action__owner")
            .filter(pk=payload["link"], removed_at=None, tracker__removed_at=None)
            .first()
        )
        if link is None or (link.retry_at and link.retry_at > timezone.now()):
            return
        pending = dict(link.pending)
        try:
            issue, remark = _told(link, pending)
        except TrackerError as error:
            _failed(link, error)
        else:
            _synced(link.pk, issue, pending, remark)


def marker_of(link: IssueLink) -> str:
    """The word by which an issue of ours is known again."""
    return f"aftercast-{link.marker.hex}"


def _told(link: IssueLink, pending: dict[str, str]) -> tuple[Issue, str]:
    client = client_of(link.tracker)
    login = TrackerPerson.objects.filter(tracker=link.tracker, person=link.action.owner).first()
    issue = _present(client, link, login.login if login else None)
    wanted = _wanted(link.action, pending, login.login if login else None)
    _note_sent(link, wanted)
    issue = client.change(issue, wanted)
    for name, text in pending.items():
        if name.startswith(COMMENT):
            client.comment_once(issue.key, text, f"aftercast-{name.removeprefix(COMMENT)}")
    missing = "owner" in pending and login is None
    remark = f"{link.action.owner.name} is not known there: the assignee stayed as it was." if missing else ""
    return issue, remark


def _present(client: Client, link: IssueLink, login: str | None) -> Issue:
    """The issue: read, or found by its marker, or made. A killed attempt is found, never repeated."""
    if link.key:
        return client.read(link.key)
    marker = marker_of(link)
    since = (link.created_at - CLOCKS_DIFFER).strftime("%Y-%m-%dT%H:%M:%SZ")
    issue = client.find(marker, since)
    if issue is None:
        action = link.action
        asked = Wanted(title=action.title, owner=login, due_on=action.due_on, text=_text(action))
        issue = client.create(asked, marker)
        failpoints.reach(CREATED)
    IssueLink.objects.filter(pk=link.pk).update(key=issue.key, url=issue.url)
    return issue


def _text(action: ActionItem) -> str:
    address = settings.PUBLIC_URL + reverse("actions:detail", args=[action.pk])
    parts = [f"Due {action.due_on.isoformat()}. Owner: {action.owner.name}.", criterion_of(action), address]
    return "\n\n".join(part for part in parts if part)


def _wanted(action: ActionItem, pending: Mapping[str, str], login: str | None) -> Wanted:
    given_up = not action.is_to_do and action.state != State.DONE
    return Wanted(
        title=action.title if "title" in pending else None,
        state=("open" if action.is_to_do else "closed") if "state" in pending else None,
        why=NOT_PLANNED if given_up else COMPLETED,
        owner=login if "owner" in pending else None,
        due_on=action.due_on if "due_on" in pending else None,
    )


def _note_sent(link: IssueLink, wanted: Wanted) -> None:
    """Remember our words before they are said: when they come back as news, they are none."""
    told = {"title": wanted.title, "state": wanted.state, "owner": wanted.owner}
    told["due_on"] = wanted.due_on.isoformat() if wanted.due_on else None
    sent = {**link.sent, **{name: value for name, value in told.items() if value is not None}}
    if sent != link.sent:
        IssueLink.objects.filter(pk=link.pk).update(sent=sent)


@transaction.atomic
def _synced(link_id: int, issue: Issue, pending: Mapping[str, str], remark: str) -> None:
    link = IssueLink.objects.select_for_update(of=("self",)).get(pk=link_id)
    link.pending = {name: value for name, value in link.pending.items() if pending.get(name) != value}
    link.key, link.url = issue.key, issue.url
    link.remote_title, link.remote_state = issue.title[:300], said_state(issue)
    link.failures, link.retry_at, link.synced_at, link.error = 0, None, timezone.now(), remark
    link.save()
    if link.pending:
        waiting.ask(link)


def said_state(issue: Issue) -> str:
    """`open`, `in progress`, `closed`, or `closed: not planned`."""
    words = issue.state.replace("_", " ")
    return f"{words}: {issue.why.replace('_', ' ')}" if issue.given_up else words


def _failed(link: IssueLink, error: TrackerError) -> None:
    """A readable error, and a later attempt: when the tracker says, else after 1, 2, 4 … 60 minutes."""
    wait = error.later_s or min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(link.failures + 1, 10))
    gone = isinstance(error, NoSuchIssueError) and link.key
    text = f"There is no issue {link.key} there, or the token may not see it." if gone else error.detail
    log.warning("tracker_call_failed", link=link.pk, error=error.detail, again_s=wait)
    IssueLink.objects.filter(pk=link.pk).update(
        failures=link.failures + 1,
        retry_at=timezone.now() + timedelta(seconds=wait),
        error=f"{text} {error.remedy or ''}".strip()[:500],
    )


@contextmanager
def _alone(link_id: int) -> Iterator[None]:
    """One worker at a link; the lock ends with the database session of a killed one."""
    name = f"actions.link:{link_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [name])
        if not cursor.fetchone()[0]:
            raise BusyError(name)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])
