"""An action and its issue: link them, part them, look again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.actions.models import ActionEvent, IssueLink, Tracker
from apps.actions.trackers import waiting
from apps.common.errors import DomainError, InvalidInputError, NotFoundError

from . import records, tracking

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.actions.models import ActionItem

KEYS = {
    Tracker.Kind.GITHUB: (re.compile(r"#?([1-9][0-9]{0,9})"), "a number such as 42"),
    Tracker.Kind.JIRA: (re.compile(r"([A-Z][A-Z0-9_]{1,49}-[1-9][0-9]{0,9})"), "a key such as OPS-42"),
}


class LinkedError(DomainError):
    """The action has an issue, or the issue an action."""

    code = "already_linked"


@transaction.atomic
def link_issue(*, action_id: int, tracker_id: int, key: str = "", actor: User) -> IssueLink:
    """Link the action to the issue `key`, or to a new one where that is empty; a worker does the calls.

    Raises:
        NotFoundError: no such action or tracker.
        InvalidInputError: at `key`, what is no number or key of this tracker.
        LinkedError: one of the two is linked already.
    """
    action = records.locked(action_id, actor)
    tracker = tracking.live(tracker_id)
    number = _key(tracker, key.strip())
    if waiting.live_link(action) is not None:
        raise LinkedError("This action has an issue.", remedy="Take it off that first.")
    rival = IssueLink.objects.filter(tracker=tracker, key=number, removed_at=None).first() if number else None
    if rival is not None:
        raise LinkedError(f"Action {rival.action_id} is linked to {number}.", field="key")
    moment = timezone.now().isoformat()
    pending = {} if action.is_to_do or number else {"state": moment}
    link = IssueLink.objects.create(
        action=action, tracker=tracker, key=number, pending=pending, created_by=actor
    )
    waiting.ask(link)
    said = f"{tracker.name}: {number or 'a new issue'}"
    records.write(action, ActionEvent.Kind.LINKED, actor, note=said)
    return link


@transaction.atomic
def unlink_issue(*, action_id: int, actor: User) -> None:
    """Part them. The issue stays there as it is.

    Raises:
        NotFoundError: no such action, or it has no issue.
    """
    action, link = _linked(action_id, actor)
    link.removed_at, link.pending, link.retry_at = timezone.now(), {}, None
    link.save()
    records.write(action, ActionEvent.Kind.UNLINKED, actor, note=f"{link.tracker.name}: {link.key}")


@transaction.atomic
def look_again(*, action_id: int, actor: User) -> None:
    """Have a worker try now what is waiting, and read how the issue is.

    Raises:
        NotFoundError: no such action, or it has no issue.
    """
    _, link = _linked(action_id, actor)
    link.retry_at = None
    link.save(update_fields=["retry_at"])
    waiting.ask(link)


def _linked(action_id: int, actor: User) -> tuple[ActionItem, IssueLink]:
    action = records.locked(action_id, actor)
    link = waiting.live_link(action)
    if link is None:
        raise NotFoundError("This action has no issue.", field="id")
    return action, link


def _key(tracker: Tracker, given: str) -> str:
    if not given:
        return ""
    pattern, form = KEYS[Tracker.Kind(tracker.kind)]
    found = pattern.fullmatch(given)
    if found is None:
        raise InvalidInputError(f"Write it as {form}, or leave it empty for a new issue.", field="key")
    return found[1]
