"""What reviewers add before they decide: rubric marks, and a fresh backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Role
from apps.audit import ledger
from apps.common.errors import InvalidInputError
from apps.insights import access, gating
from apps.insights.errors import RoleRequiredError, SelfApprovalError
from apps.insights.models import GateResult, Revision, Score
from apps.insights.rubric import RUBRIC, TOP_MARK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User


@transaction.atomic
def score_insight(
    *, insight_id: int, rater: User, marks: Mapping[str, int], seen: int | None = None
) -> Score:
    """Mark the newest revision by the rubric; a rater's later marks replace the earlier ones.

    Raises:
        RoleRequiredError: the rater is neither reviewer nor operator.
        SelfApprovalError: the rater wrote it.
        RevisionChangedError: somebody revised it since `seen`.
        InvalidInputError: a mark is missing or not between 1 and 5.
    """
    insight = access.lock_insight(insight_id, actor=rater)
    revision = access.newest_revision(insight, seen=seen)
    refuse_authors(revision, rater)
    require_judge(rater)
    score = record_marks(revision, rater, marks)
    ledger.record(
        actor=rater.username,
        action="insight_scored",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": revision.number, **{name: marks[name] for name in RUBRIC}},
    )
    return score


def record_marks(revision: Revision, rater: User, marks: Mapping[str, int]) -> Score:
    """Write the four marks.

    Raises:
        InvalidInputError: a mark is missing or not a whole number from 1 to 5.
    """
    for name in RUBRIC:
        mark = marks.get(name)
        if type(mark) is not int or not 1 <= mark <= TOP_MARK:
            raise InvalidInputError(f"Give {name} a mark from 1 to {TOP_MARK}.", field=f"scores.{name}")
    score, _ = Score.objects.update_or_create(
        revision=revision, rater=rater, defaults={name: marks[name] for name in RUBRIC}
    )
    return score


@transaction.atomic
def rerun_gate(*, insight_id: int, actor: User) -> GateResult:
    """Backtest the newest revision again, for example after incidents were labelled. The old result stays.

    Raises:
        NotFoundError: no such insight.
        RevisionChangedError: somebody revised it meanwhile.
    """
    found = access.find_insight(insight_id, actor=actor)
    access.refuse_ended(found)
    revision = access.newest_revision(found)
    judgement = gating.judge(  # before the lock: it may take long
        revision.scope, gating.columns(revision), without=insight_id
    )
    insight = access.lock_insight(insight_id, actor=actor)
    access.newest_revision(insight, seen=revision.number)
    result = judgement.keep(revision)
    ledger.record(
        actor=actor.username,
        action="gate_run",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": revision.number, "verdict": result.verdict, "split_hash": result.split_hash},
    )
    return result


def check_judge(*, insight_id: int, person: User) -> None:
    """May this person judge the insight at all? Pages ask before they read what was typed.

    Raises:
        NotFoundError: no such insight.
        SelfApprovalError, RoleRequiredError: as they say.
    """
    refuse_authors(access.newest_revision(access.find_insight(insight_id, actor=person)), person)
    require_judge(person)


def refuse_authors(revision: Revision, person: User) -> None:
    """Nobody judges what they wrote, nor what somebody else only retitled after them.

    Raises:
        SelfApprovalError: `person` proposed the insight, or wrote any of its revisions.
    """
    if Revision.objects.filter(insight=revision.insight, author=person).exists():
        raise SelfApprovalError(
            "You wrote this insight, so you cannot judge it.",
            remedy="Two other people decide, at least one of them an operator.",
        )


def require_judge(person: User) -> None:
    """Reviewers and operators judge.

    Raises:
        RoleRequiredError: `person` is neither.
    """
    if not (person.has_role(Role.REVIEWER) or person.has_role(Role.OPERATOR)):
        raise RoleRequiredError("Reviewers and operators judge insights.", remedy="Ask one of them.")
