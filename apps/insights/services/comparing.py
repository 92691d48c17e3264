"""Use cases: have two releases compared by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.accounts.models import Role
from apps.audit import ledger, outbox
from apps.common.errors import DomainError
from apps.evaluation.models import Run
from apps.evaluation.windows import Window
from apps.features import releases
from apps.insights import ablating
from apps.insights.ablating import Question
from apps.insights.errors import RoleRequiredError

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

KIND = "insights.ablate"
COMPARERS = frozenset({Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN})


@transaction.atomic
def ask_comparison(
    *,
    release: int,
    against: int,
    actor: User,
    start: datetime | None = None,
    end: datetime | None = None,
    split: str = "",
) -> Run:
    """Ask a worker to replay both releases; the same question twice before the answer is one run.

    Raises:
        NotFoundError: no such release.
        InvalidInputError: nothing to compare, too much of it, or a window that ends before it begins.
        HoldoutOverlapError: the window overlaps what signals were learnt from.
        RoleRequiredError: the actor is none of those who may.
    """
    if not actor.has_role(*COMPARERS):
        raise RoleRequiredError("Reviewers, operators and programme owners compare releases.")
    question = Question(release, against, Window.between(start, end), split)
    ablating.check(question)
    asked = {
        "release": release,
        "against": against,
        "from_us": question.window.from_us,
        "to_us": question.window.to_us,
        "split": split,
    }
    releases.lock()  # two people who ask at once get one run
    waiting = Run.objects.filter(kind=ablating.KIND, subject=question.subject, question=asked)
    same = waiting.filter(result=None, error="").first()
    if same is not None:
        return same
    run = Run.objects.create(
        kind=ablating.KIND, subject=question.subject, question=asked, requested_by=actor.username
    )
    outbox.add(kind=KIND, key=str(run.pk), payload={"run": run.pk})
    ledger.record(
        actor=actor.username,
        action="comparison_requested",
        object_type="release",
        object_id=release,
        data={"run": run.pk, **asked},
    )
    return run


def perform(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler: replay what a run asks for, once; what cannot be answered is kept as its error."""
    del key
    run = Run.objects.filter(pk=payload["run"]).first()
    if run is None or run.state != "pending":
        return

    def step(done: int, total: int) -> None:
        Run.objects.filter(pk=run.pk).update(done=done, total=total)

    try:
        result = ablating.run(question_of(run), step)  # outside any transaction, so that progress is seen
        Run.objects.filter(pk=run.pk).update(result=result)
    except DomainError as error:
        Run.objects.filter(pk=run.pk).update(error=f"{error.detail} {error.remedy or ''}".strip())


def question_of(run: Run) -> Question:
    """What a run was asked."""
    asked = run.question
    window = Window(asked["from_us"], asked["to_us"])
    return Question(asked["release"], asked["against"], window, asked["split"])
