"""The noes of review: ask for changes, reject, and take a no back. None of them changes what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.common.errors import InvalidInputError
from apps.insights import access, missteps, shadowing, telling
from apps.insights.errors import AlreadyApprovedError, AlreadyDecidedError
from apps.insights.models import Activation, Decision, Insight, Revision, ShadowRun

from .reviewing import refuse_authors, require_judge

if TYPE_CHECKING:
    from apps.accounts.models import User

MAX_REASON = 2000  # characters


@transaction.atomic
def request_changes(*, insight_id: int, reviewer: User, reason: str, seen: int | None = None) -> Insight:
    """Send the newest revision back to its author, who answers with a new one.

    Raises:
        NotFoundError: no such insight.
        SelfApprovalError: the reviewer wrote it.
        RoleRequiredError: they are neither reviewer nor operator.
        RevisionChangedError: somebody revised it since `seen`.
        AlreadyApprovedError: the revision is or was served.
        AlreadyDecidedError: it is rejected, or this person asked for changes already.
        InvalidInputError: no reason, or one too long.
    """
    return _turn_down(insight_id, reviewer, reason, seen, Decision.Kind.CHANGES_REQUESTED)


@transaction.atomic
def reject_insight(*, insight_id: int, reviewer: User, reason: str, seen: int | None = None) -> Insight:
    """Say no to the newest revision for good. Only a new revision, or a reviewer's second thought, goes on.

    What an earlier revision serves stays served: withdraw it to stop that.

    Raises:
        As `request_changes`.
    """
    return _turn_down(insight_id, reviewer, reason, seen, Decision.Kind.REJECTED)


@transaction.atomic
def reopen_insight(*, insight_id: int, reviewer: User, reason: str, seen: int | None = None) -> Insight:
    """Take back the no that stands about the newest revision: it waits for its approvals again.

    Raises:
        As `request_changes`; AlreadyDecidedError when no no stands.
    """
    insight, revision = _for_decision(insight_id, reviewer, reason, seen)
    if access.standing_no(revision) is None:
        raise AlreadyDecidedError("Nothing was turned down here.", remedy="It waits for its approvals.")
    return _decide(insight, revision, reviewer, Decision.Kind.REOPENED, reason)


def _turn_down(
    insight_id: int, reviewer: User, reason: str, seen: int | None, kind: Decision.Kind
) -> Insight:
    insight, revision = _for_decision(insight_id, reviewer, reason, seen)
    standing = access.standing_no(revision)
    if standing is not None and standing.kind == Decision.Kind.REJECTED:
        raise AlreadyDecidedError(f"{standing.person.username} rejected revision {revision.number} already.")
    mine = revision.decisions.filter(person=reviewer).last()
    if standing is not None and mine is not None and mine.kind == kind:
        raise AlreadyDecidedError("You asked for changes already.", remedy="The author has to answer first.")
    return _decide(insight, revision, reviewer, kind, reason)


def _for_decision(insight_id: int, reviewer: User, reason: str, seen: int | None) -> tuple[Insight, Revision]:
    """The insight under its lock and the revision at hand, for somebody who may decide about it."""
    insight = access.lock_insight(insight_id, actor=reviewer)
    revision = access.newest_revision(insight, seen=seen)
    refuse_decision(insight, revision, reviewer)
    require_reason(reason)
    return insight, revision


def refuse_decision(insight: Insight, revision: Revision, reviewer: User) -> None:
    """Stop somebody who may not decide about this revision as things stand. Pages ask it too.

    Raises:
        DomainError: as `request_changes`, but for what the reviewer writes.
    """
    access.refuse_ended(insight)
    refuse_authors(revision, reviewer)
    require_judge(reviewer)
    if Activation.objects.filter(revision=revision).exists():
        raise AlreadyApprovedError(
            f"Revision {revision.number} has been approved.", remedy="Withdraw the insight to stop it."
        )


def require_reason(reason: str) -> None:
    """A decision says why.

    Raises:
        InvalidInputError: the reason has no word, or is too long.
    """
    if not any(character.isalnum() for character in reason):
        raise InvalidInputError("Write why.", field="reason", remedy="The author reads it, and it stays.")
    if len(reason) > MAX_REASON:
        raise InvalidInputError(f"At most {MAX_REASON} characters.", field="reason")


def _decide(insight: Insight, revision: Revision, person: User, kind: Decision.Kind, reason: str) -> Insight:
    decision = Decision.objects.create(revision=revision, person=person, kind=kind, reason=reason.strip())
    if kind != Decision.Kind.REOPENED:
        shadowing.end_open(insight, ShadowRun.Ending.TURNED_DOWN, by=person.username, reason=decision.reason)
    if kind == Decision.Kind.REJECTED:
        missteps.rejected(decision)
    if insight.active_revision is None:
        insight.state = (
            Insight.State.PROPOSED if kind == Decision.Kind.REOPENED else Insight.State(kind.value)
        )
        insight.save(update_fields=["state"])
    telling.decided(
        insight, revision, person, title=str(kind.label), number=decision.pk, text=decision.reason
    )
    ledger.record(
        actor=person.username,
        action=f"insight_{kind.value}",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": revision.number, "reason": decision.reason},
    )
    return insight
