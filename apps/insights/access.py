"""The ways to get hold of an insight: for reading through `visible_to`, for changing under a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from apps.common.errors import NotFoundError

from .errors import InsightExpiredError, InsightWithdrawnError, RevisionChangedError, TurnedDownError
from .models import Decision, Insight, Revision, ShadowRun

if TYPE_CHECKING:
    from apps.accounts.models import User


def find_insight(insight_id: int, *, actor: User) -> Insight:
    """The insight, for reading.

    Raises:
        NotFoundError: no such insight, or not for this reader.
    """
    row = Insight.objects.visible_to(actor).filter(pk=insight_id).first()
    if row is None:
        raise NotFoundError(f"There is no insight {insight_id}.", field="id")
    return row


def lock_insight(insight_id: int, *, actor: User) -> Insight:
    """The insight, locked until the transaction ends: two decisions about it come one after the other.

    Raises:
        NotFoundError: no such insight, or not for this reader.
    """
    row = Insight.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=insight_id).first()
    if row is None:
        raise NotFoundError(f"There is no insight {insight_id}.", field="id")
    return row


def newest_revision(insight: Insight, *, seen: int | None = None) -> Revision:
    """The revision that a decision is about.

    Raises:
        RevisionChangedError: the caller decided on `seen`, and the insight has moved on.
    """
    if seen is not None and seen != insight.revision:
        raise RevisionChangedError(
            f"This insight is at revision {insight.revision}; you decided on {seen}.",
            field="revision",
            remedy="Read the newest revision and decide again.",
        )
    return Revision.objects.select_related("insight").get(insight=insight, number=insight.revision)


def refuse_ended(insight: Insight) -> None:
    """Stop at an insight that was withdrawn or has expired.

    Raises:
        InsightWithdrawnError, InsightExpiredError: as they say.
    """
    if insight.state == Insight.State.WITHDRAWN:
        raise InsightWithdrawnError(
            "This insight was withdrawn.", remedy="Revise it: a new revision can be approved again."
        )
    if insight.state == Insight.State.EXPIRED:
        raise InsightExpiredError("This insight has expired.", remedy="Revise it with a later expiry.")


def standing_no(revision: Revision) -> Decision | None:
    """The no that stands about a revision: its newest decision, unless that one took a no back.

    Reads what is prefetched as `decisions`, if it is.
    """
    decisions = list(revision.decisions.all())
    if not decisions or decisions[-1].kind == Decision.Kind.REOPENED:
        return None
    return decisions[-1]


def refuse_turned_down(revision: Revision) -> None:
    """Stop at a revision that a reviewer sent back or rejected.

    Raises:
        TurnedDownError: as it says.
    """
    standing = standing_no(revision)
    if standing is not None:
        raise TurnedDownError(
            f"{standing.person.name} turned this revision down "
            f"({standing.get_kind_display().lower()}): {standing.reason}",
            remedy="A new revision, or a reviewer who reopens it, comes first.",
        )


def state_while_not_served(revision: Revision) -> str:
    """The state of an insight that serves nothing, by what became of its newest revision."""
    standing = standing_no(revision)
    if standing is not None:
        return Insight.State(standing.kind)
    running = ShadowRun.objects.filter(revision=revision, ended_at=None).exists()
    return Insight.State.SHADOW if running else Insight.State.PROPOSED


def refuse_expired(revision: Revision) -> None:
    """Stop at a revision whose expiry has passed, whether or not the clock has been by.

    Raises:
        InsightExpiredError: it has.
    """
    if revision.expires_at is not None and revision.expires_at <= timezone.now():
        raise InsightExpiredError("This insight has expired.", remedy="Revise it with a later expiry.")
