"""The ways people make a served insight stop or come back: withdraw and revert. Each appends a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Role
from apps.audit import ledger
from apps.common.errors import NotFoundError
from apps.features import releases
from apps.features.models import Release
from apps.insights import access, shadowing, stopping, telling
from apps.insights.errors import InsightWithdrawnError, NothingToRevertError, RoleRequiredError
from apps.insights.models import Insight, ShadowRun

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def withdraw_insight(*, insight_id: int, actor: User, reason: str) -> Insight:
    """Stop serving an insight, or give up a proposal. One person is enough: stopping is the safe direction.

    Raises:
        NotFoundError: no such insight.
        InsightWithdrawnError: it is withdrawn already.
        RoleRequiredError: a served insight is withdrawn by a reviewer or an operator, a proposal also by its
            author.
    """
    releases.lock()
    insight = access.lock_insight(insight_id, actor=actor)
    if insight.state == Insight.State.WITHDRAWN:
        raise InsightWithdrawnError("This insight was withdrawn already.")
    if not may_withdraw(insight, actor):
        raise RoleRequiredError("Reviewers and operators withdraw what is served.", remedy="Ask one of them.")
    served = insight.state == Insight.State.APPROVED
    shadowing.end_open(insight, ShadowRun.Ending.WITHDRAWN, by=actor.username, reason=reason)
    release = (
        stopping.stop(insight, Insight.State.WITHDRAWN, "withdraw", actor.username, reason)
        if served
        else None
    )
    if not served:
        insight.state = Insight.State.WITHDRAWN
        insight.save(update_fields=["state"])
    telling.ended(
        insight,
        access.newest_revision(insight),
        actor,
        title="Withdrawn",
        text=reason,
        release=release.number if release else None,
    )
    ledger.record(
        actor=actor.username,
        action="insight_withdrawn",
        object_type="insight",
        object_id=insight.pk,
        data={"reason": reason, "release": release.number if release else None},
    )
    return insight


def may_withdraw(insight: Insight, actor: User) -> bool:
    """Reviewers and operators may; its author may give up what is not served."""
    if actor.has_role(Role.REVIEWER, Role.OPERATOR):
        return True
    return insight.state != Insight.State.APPROVED and insight.author_id == actor.pk


@transaction.atomic
def revert_release(*, number: int, actor: User, reason: str) -> Release:
    """Bring the content of an earlier release back, as a new release (D25). Nothing is erased.

    Insights that were active then are active again at the revision of then; those approved since are
    withdrawn.

    Raises:
        NotFoundError: no such release.
        RoleRequiredError: the actor is not an operator.
        NothingToRevertError: that content is what is served now.
    """
    if not (actor.has_role(Role.OPERATOR) or actor.has_role(Role.ADMIN)):
        raise RoleRequiredError("Operators revert releases.", remedy="Ask one of them.")
    releases.lock()
    target = Release.objects.filter(number=number).first()
    if target is None:
        raise NotFoundError(f"There is no release {number}.", field="number")
    newest = Release.objects.order_by("-number").first()
    if newest is not None and newest.digest == target.digest:
        raise NothingToRevertError(f"Release {number} has the content that is served now.")
    _restore_insights({entry["insight"]: entry["revision"] for entry in target.manifest}, by=actor.username)
    release = releases.append_release(
        kind="revert",
        author=actor.username,
        reason=reason,
        manifest=target.manifest,
        changes=releases.changes_to(number),
    )
    ledger.record(
        actor=actor.username,
        action="release_reverted",
        object_type="release",
        object_id=release.number,
        data={"to": number, "reason": reason},
    )
    return release


def _restore_insights(wanted: dict[int, int], *, by: str) -> None:
    """Make exactly the manifest's revisions active; what they speak for was noted at their activation."""
    concerned = Insight.objects.select_for_update(of=("self",)).concerned_by(wanted).order_by("pk")
    for insight in concerned:
        number = wanted.get(insight.pk)
        if insight.active_revision == number:
            continue
        if number is None:
            shadowing.end_open(insight, ShadowRun.Ending.WITHDRAWN, by=by)
        insight.active_revision = number
        insight.state = Insight.State.APPROVED if number is not None else Insight.State.WITHDRAWN
        insight.save(update_fields=["state", "active_revision"])
