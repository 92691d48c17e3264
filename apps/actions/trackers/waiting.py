"""What an issue must still be told: noted in the transaction of the change, told later by a worker."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from apps.actions.models import ActionEvent, IssueLink
from apps.audit import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from apps.actions.models import ActionItem

SYNC_KIND = "actions.sync_issue"
MAX_COMMENT = 4000
Kind = ActionEvent.Kind
STATE_CHANGES = (Kind.DONE, Kind.DROPPED, Kind.REOPENED)


def live_link(action: ActionItem) -> IssueLink | None:
    """The action's link, locked, if it has one to a tracker that is still there."""
    return (
        IssueLink.objects.select_for_update(of=("self",))
        .filter(action=action, removed_at=None, tracker__removed_at=None)
        .first()
    )


def note(action: ActionItem, event: ActionEvent) -> None:
    """Have the issue told of what this event changed. Belongs into the transaction of the change."""
    fields = _fields(event)
    link = live_link(action) if fields else None
    if link is None:
        return
    moment = event.at.isoformat()
    for name in fields:
        link.changed[name] = link.pending[name] = moment
    if "state" in fields:
        link.awaits_reason = ""
    link.save(update_fields=["changed", "pending", "awaits_reason"])
    ask(link)


def comment(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler `actions.comment`: have a comment written to the issue of an action, once for each key.

    `payload` has "action" (its number) and "text". Nothing where no issue is linked.
    """
    link = IssueLink.objects.filter(
        action=payload["action"], removed_at=None, tracker__removed_at=None
    ).first()
    if link is None:
        return
    with_comment = {**link.pending, f"comment:{key}": payload["text"][:MAX_COMMENT]}
    # Only if nobody changed it since it was read: else the outbox calls again.
    if not IssueLink.objects.filter(pk=link.pk, pending=link.pending).update(pending=with_comment):
        raise RuntimeError("the link changed meanwhile")
    ask(link)


def ask(link: IssueLink) -> None:
    """Ask a worker to look at this link."""
    outbox.add(kind=SYNC_KIND, key=f"{link.pk}:{uuid.uuid4().hex}", payload={"link": link.pk})


def ask_again(now: datetime | None = None) -> int:
    """Ask for every link whose time to be tried again has come; how many there were."""
    due = list(
        IssueLink.objects.filter(
            Q(removed_at=None, tracker__removed_at=None), retry_at__lte=now or timezone.now()
        )
    )
    for link in due:
        if IssueLink.objects.filter(pk=link.pk, retry_at=link.retry_at).update(retry_at=None):
            ask(link)
    return len(due)


def _fields(event: ActionEvent) -> list[str]:
    """The fields of an issue that this event changed."""
    if event.kind == Kind.AMENDED:
        return [name for name in ("title", "due_on") if name in event.changes]
    if event.kind == Kind.REASSIGNED:
        return ["owner"]
    return ["state"] if event.kind in STATE_CHANGES else []
