"""The rule that lets an insight act: two people not its authors, one an operator, and a gate (decision 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Role
from apps.audit import ledger
from apps.common.errors import require
from apps.features import releases
from apps.insights import access, composition, influence, missteps, shadowing, telling
from apps.insights.errors import (
    AlreadyApprovedError,
    BelowRubricBarError,
    GateRequiredError,
    InfluenceCapError,
    MisstepsUnreadError,
    NoSignalError,
    TakenBackError,
)
from apps.insights.models import (
    Activation,
    Approval,
    GateOverride,
    GateResult,
    Insight,
    Revision,
    ShadowRun,
)
from apps.insights.rubric import BAR
from apps.insights.waiting import APPROVALS_NEEDED

from .observing import note_waiting
from .reviewing import record_marks, refuse_authors, require_judge

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from apps.accounts.models import User
    from apps.insights.influence import Weighed


@transaction.atomic
def approve_insight(
    *,
    insight_id: int,
    approver: User,
    seen: int | None = None,
    override_reason: str = "",
    comment: str = "",
    marks: Mapping[str, int] | None = None,
    missteps_read: Collection[int] = (),
) -> Insight:
    """Say yes to the newest revision. The yes that completes the rule makes the release at once.

    `seen` is the revision that the approver read; `override_reason` says why a revision acts although its
    gate failed or could not run; `marks` are the approver's rubric marks; `missteps_read` are the ids of the
    missteps near its signals that they read. The release is made in the same transaction. The insight's row
    is locked first, so two approvals at once are taken one after the other, and the second one makes exactly
    one release.

    Raises:
        NotFoundError: no such insight.
        InsightWithdrawnError, InsightExpiredError: it has ended.
        RevisionChangedError: somebody revised it since `seen`.
        SelfApprovalError: the approver wrote it.
        RoleRequiredError: the approver is neither reviewer nor operator.
        AlreadyApprovedError: this person has approved it, or it is served already.
        TurnedDownError: a reviewer asked for changes, or rejected it.
        TakenBackError: it was served, and a revert took it back.
        NoSignalError: it is prose and has nothing to serve.
        GateRequiredError: no passed gate and no written override.
        BelowRubricBarError: the mean mark is below the bar.
        MisstepsUnreadError: a near signal failed before, and it is not among `missteps_read`.
        InfluenceCapError: an author would move more than one person may, and no operator lifted the cap.
    """
    releases.lock()  # before any row, as in stopping: see there
    insight = access.lock_insight(insight_id, actor=approver)
    revision = access.newest_revision(insight, seen=seen)
    refuse_approval(insight, revision, approver)
    if marks:
        record_marks(revision, approver, marks)
    pass_gate(revision, approver, override_reason)
    _pass_rubric(revision)
    read = _pass_missteps(revision, missteps_read)
    weighed = _pass_caps(insight, revision)
    Approval.objects.create(
        revision=revision,
        approver=approver,
        as_operator=approver.has_role(Role.OPERATOR),
        comment=comment,
        missteps_read=read,
    )
    release = _activate_if_complete(insight, revision, approver, weighed)
    telling.approved(insight, revision, approver, release)
    ledger.record(
        actor=approver.username,
        action="insight_approved",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": revision.number, "digest": revision.digest, "release": release},
    )
    return insight


def refuse_approval(insight: Insight, revision: Revision, approver: User) -> None:
    """Stop somebody who may not approve this revision as things stand. Pages ask it too, to say why.

    Raises:
        DomainError: as `approve_insight`, but for what the approver writes.
    """
    access.refuse_ended(insight)
    access.refuse_expired(revision)
    refuse_authors(revision, approver)
    require_judge(approver)
    _refuse_repeat(insight, revision, approver)
    access.refuse_turned_down(revision)
    if not revision.signals.exists():
        raise NoSignalError(
            "This insight is prose: it has no signal to serve.", remedy="Revise it with a signal."
        )


def _refuse_repeat(insight: Insight, revision: Revision, approver: User) -> None:
    if insight.active_revision == revision.number:
        raise AlreadyApprovedError(f"Revision {revision.number} is approved and served already.")
    activation = Activation.objects.filter(revision=revision).first()
    if activation is not None:
        raise TakenBackError(
            f"Revision {revision.number} was served in release {activation.release} and taken back.",
            remedy="Revert to a release that has it, or revise the insight: a new revision can be approved.",
        )
    if revision.lifts.filter(operator=approver).exists():
        raise AlreadyApprovedError("You lifted the cap on its author.", remedy="Two other people approve it.")
    if revision.approvals.filter(approver=approver).exists():
        raise AlreadyApprovedError(
            f"You approved revision {revision.number} already.", remedy="Somebody else has to be the second."
        )


def pass_gate(revision: Revision, approver: User, override_reason: str) -> None:
    """Go on with a passed gate, a written override, or the override that is given now.

    Raises:
        GateRequiredError: none of them.
    """
    result = revision.gate_results.last()
    if result is not None and result.verdict == GateResult.Verdict.PASSED:
        return
    if any(character.isalnum() for character in override_reason):
        GateOverride.objects.create(revision=revision, author=approver, reason=override_reason.strip())
        return
    if not revision.overrides.exists():
        reason = (
            "it has not run" if result is None else f"{result.get_verdict_display().lower()}: {result.reason}"
        )
        raise GateRequiredError(
            f"The gate did not pass ({reason}).",
            field="override_reason",
            remedy="Write why this insight should act all the same; "
            "that halves its confidence and stays visible.",
        )


def _pass_rubric(revision: Revision) -> None:
    means = [score.mean for score in revision.scores.all()]
    if means and sum(means) / len(means) < BAR:
        raise BelowRubricBarError(
            f"The reviewers' mean mark is {sum(means) / len(means):.2f}, below {BAR}.",
            field="scores",
            remedy="Improve the insight and revise it, or score it again.",
        )


def _pass_missteps(revision: Revision, read: Collection[int]) -> list[int]:
    near = [row.pk for row in missteps.near_revision(revision)]
    if unread := sorted(set(near) - set(read)):
        raise MisstepsUnreadError(
            f"The same or a near signal failed before ({len(unread)} not read).",
            field="missteps_read",
            remedy=f"Read what failed and why, then say so: missteps {', '.join(map(str, unread))}.",
        )
    return sorted(near)


def _pass_caps(insight: Insight, revision: Revision) -> Weighed:
    weighed = influence.weigh(insight, revision)
    if weighed.stopped:
        raise InfluenceCapError(
            " ".join(weighed.over),
            field="influence",
            remedy="Make the change smaller, or ask an operator who does not approve it to lift the cap.",
        )
    return weighed


def _activate_if_complete(
    insight: Insight, revision: Revision, approver: User, weighed: Weighed
) -> int | None:
    """Make the release if the rule is complete; its number, or None while an approval is missing."""
    approvals = list(revision.approvals.all())
    operator = next((approval for approval in approvals if approval.as_operator), None)
    if len(approvals) < APPROVALS_NEEDED or operator is None:
        return None
    kind = "approve" if insight.active_revision is None else "revise"
    shadowing.end_open(insight, ShadowRun.Ending.APPROVED, by=approver.username)
    before = composition.covered(insight)
    Activation.objects.create(
        revision=revision,
        release=releases.next_number(),
        operator_approval=operator,
        other_approval=next(approval for approval in approvals if approval != operator),
        gate_result=require(revision.gate_results.last(), "the gate's result"),
    )
    influence.charge(revision, weighed)
    composition.index_signals(revision)
    insight.state = Insight.State.APPROVED
    insight.active_revision = revision.number
    insight.save(update_fields=["state", "active_revision"])
    release = releases.append_release(
        kind=kind,
        author=approver.username,
        reason=f"Insight {insight.pk} revision {revision.number}: {revision.title}",
        manifest=composition.manifest(),
        changes=composition.compose(before | composition.covered(insight)),
    )
    note_waiting(insight, revision)
    return release.number
