"""Notices about insights: who hears of what, in the transaction of the deed itself.

Keys name the deed, so that a repeated call tells nobody twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from apps.accounts.models import Role, User
from apps.notices.services import tell

from .models import Approval, Revision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .models import Insight, ShadowRun

TO_REVIEW = "insights.to_review"
DECIDED = "insights.decided"
SERVED = "insights.served"
ENDED = "insights.ended"
SHADOW = "insights.shadow"
KINDS = {
    TO_REVIEW: "An insight waits for reviewers",
    DECIDED: "Somebody decided about my insight",
    SERVED: "My insight is served",
    ENDED: "An insight of mine, or one that I approved, is served no more",
    SHADOW: "A shadow run of my insight begins or ends",
}


def proposed(insight: Insight, revision: Revision) -> None:
    """Everybody who may judge it hears of a new proposal."""
    _tell(
        _judges(insight),
        revision,
        kind=TO_REVIEW,
        title=f"To review: {revision.title}",
        text=f"{revision.author.name} proposed it. Two people decide, at least one of them an operator.",
    )


def revised(insight: Insight, revision: Revision) -> None:
    """Judges hear of a new revision; who approved the one before hears that their yes does not carry over."""
    before = set(
        User.objects.filter(
            pk__in=insight.revisions.filter(number=revision.number - 1).values("approvals__approver")
        )
    )
    _tell(
        before - {revision.author},
        revision,
        kind=TO_REVIEW,
        title=f"Revised after your approval: {revision.title}",
        text=f"{revision.author.name} filed revision {revision.number}. "
        "Your approval was of the one before: please read it again.",
    )
    _tell(
        set(_judges(insight)) - before,
        revision,
        kind=TO_REVIEW,
        title=f"To review again: {revision.title}",
        text=f"{revision.author.name} filed revision {revision.number}.",
    )


def approved(insight: Insight, revision: Revision, approver: User, release: int | None) -> None:
    """Its authors hear of a yes, and of the release that serves it."""
    as_what = "operator" if approver.has_role(Role.OPERATOR) else "reviewer"
    if release is None:
        title, text = (
            f"First approval: {revision.title}",
            f"{approver.name} approved it as {as_what}. It needs a second person.",
        )
    else:
        title, text = (
            f"Served: {revision.title}",
            f"{approver.name} approved it as {as_what}. Release {release} serves it.",
        )
    kind = DECIDED if release is None else SERVED
    _tell(_authors(insight), revision, kind=kind, title=title, text=text, detail=str(approver.pk))


def decided(
    insight: Insight, revision: Revision, person: User, *, title: str, number: int, text: str
) -> None:
    """Its authors hear of a no, or that a no was taken back; `number` is the decision's."""
    _tell(
        _authors(insight),
        revision,
        kind=DECIDED,
        title=f"{title}: {revision.title}",
        text=f"{person.name}: {text}",
        detail=str(number),
    )


def ended(
    insight: Insight,
    revision: Revision,
    actor: User | None,
    *,
    title: str,
    text: str,
    release: int | None,
    judges: bool = False,
) -> None:
    """Authors and approvers hear that it is served no more, with `judges` all who judge; not who ended it."""
    approvals = Approval.objects.filter(revision__insight=insight).values("approver")
    concerned = _authors(insight) | set(User.objects.filter(pk__in=approvals))
    concerned |= set(_judges(insight)) if judges else set()
    _tell(
        concerned - {actor},
        revision,
        kind=ENDED,
        title=f"{title}: {revision.title}",
        text=text,
        detail=str(release or ""),
    )


def shadow_started(insight: Insight, revision: Revision, actor: User, run: ShadowRun) -> None:
    """Its authors hear that it is tried beside what is served, and what that is to show."""
    _tell(
        _authors(insight),
        revision,
        kind=SHADOW,
        title=f"Shadow run: {revision.title}",
        text=f"{actor.name} put it to the test until {run.ends_at:%Y-%m-%d %H:%M} UTC: {run.hypothesis}",
        detail=f"{run.pk}:started",
    )


def shadow_ended(insight: Insight, run: ShadowRun, *, title: str, text: str) -> None:
    """Authors, and who started it, hear what a run showed, or that it was stopped."""
    _tell(
        _authors(insight) | {run.started_by},
        run.revision,
        kind=SHADOW,
        title=f"Shadow run, {title.lower()}: {run.revision.title}",
        text=text,
        detail=f"{run.pk}:ended",
    )


def _tell(
    people: Iterable[User], revision: Revision, *, kind: str, title: str, text: str, detail: str = ""
) -> None:
    tell(
        people=sorted(people, key=lambda person: person.pk),
        kind=kind,
        title=title,
        text=text,
        url=reverse("insights:detail", args=[revision.insight_id]),
        key=f"{kind}:{revision.insight_id}:{revision.number}:{detail}",
    )


def _authors(insight: Insight) -> set[User]:
    written = Revision.objects.filter(insight=insight).values("author")
    return set(User.objects.filter(pk__in=written, is_active=True)) | {insight.author}


def _judges(insight: Insight) -> list[User]:
    """Active people who may decide about it: reviewers and operators, never one of its authors."""
    written = Revision.objects.filter(insight=insight).values("author")
    return list(
        User.objects.filter(
            is_active=True, is_service=False, role_grants__role__in=[Role.REVIEWER, Role.OPERATOR]
        )
        .exclude(pk__in=written)
        .distinct()
    )
