"""Let one revision go beyond the caps on its authors: an operator's word, never an approver's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Role
from apps.audit import ledger
from apps.insights import access, influence
from apps.insights.errors import AlreadyApprovedError, AlreadyDecidedError, RoleRequiredError
from apps.insights.models import Activation, InfluenceLift, Insight, Revision

from .deciding import require_reason
from .reviewing import refuse_authors

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def lift_cap(*, insight_id: int, operator: User, reason: str, seen: int | None = None) -> InfluenceLift:
    """Let the newest revision go beyond the caps on its authors. It still needs its two approvals.

    What it moves is the operator's to answer for, and counts for none of its authors.

    Raises:
        NotFoundError: no such insight.
        RevisionChangedError: somebody revised it since `seen`.
        InsightWithdrawnError, InsightExpiredError: it has ended.
        SelfApprovalError: the operator wrote it.
        RoleRequiredError: they are no operator.
        AlreadyApprovedError: they approved this revision, or it was served already.
        AlreadyDecidedError: the cap was lifted already, or nothing is above it.
        InvalidInputError: no reason, or one too long.
    """
    insight = access.lock_insight(insight_id, actor=operator)
    revision = access.newest_revision(insight, seen=seen)
    refuse_lift(insight, revision, operator)
    require_reason(reason)
    lift = InfluenceLift.objects.create(revision=revision, operator=operator, reason=reason.strip())
    ledger.record(
        actor=operator.username,
        action="influence_cap_lifted",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": revision.number, "reason": lift.reason},
    )
    return lift


def refuse_lift(insight: Insight, revision: Revision, operator: User) -> None:
    """Stop somebody who may not lift the cap as things stand. Pages ask it too.

    Raises:
        DomainError: as `lift_cap`, but for what the operator writes.
    """
    access.refuse_ended(insight)
    refuse_authors(revision, operator)
    if not operator.has_role(Role.OPERATOR, Role.ADMIN):
        raise RoleRequiredError("Operators lift the cap on an author.", remedy="Ask one of them.")
    if Activation.objects.filter(revision=revision).exists():
        raise AlreadyApprovedError(f"Revision {revision.number} has been served already.")
    if revision.approvals.filter(approver=operator).exists():
        raise AlreadyApprovedError(
            "You approved this revision.", remedy="An operator who is no approver lifts the cap."
        )
    weighed = influence.weigh(insight, revision)
    if weighed.lift is not None:
        raise AlreadyDecidedError(f"{weighed.lift.operator.name} lifted the cap already.")
    if not weighed.over:
        raise AlreadyDecidedError("Nothing here is above the caps.", remedy="It only needs its approvals.")
