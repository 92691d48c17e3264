"""What waits for whom: the queue, as the page, the home page and the API show it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery

from apps.accounts.models import Role

from .models import Approval, Decision, GateResult, Insight, Revision, Signal

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import User

APPROVALS_NEEDED = 2
LIMIT = 100  # of each list, the longest waiting first; the list of insights has the rest
OPEN = [
    Insight.State.PROPOSED,
    Insight.State.SHADOW,
    Insight.State.APPROVED,
    Insight.State.CHANGES_REQUESTED,
]


@dataclass(frozen=True)
class Queue:
    """Newest revisions that are not served: for me to judge, mine to change, and for others."""

    to_review: list[Revision]
    to_change: list[Revision]
    for_others: list[Revision]

    @property
    def empty(self) -> bool:
        return not (self.to_review or self.to_change or self.for_others)


def queue(person: User) -> Queue:
    """All three lists; a fixed number of queries."""
    return Queue(
        list(_shown(to_review(person))), list(_shown(to_change(person))), list(_shown(for_others(person)))
    )


def to_review(person: User) -> QuerySet[Revision]:
    """Revisions that this person's decision would bring forward; none for those who do not judge."""
    if not person.has_role(Role.REVIEWER, Role.OPERATOR):
        return Revision.objects.none()
    return _undecided(person).filter(_mine_to_judge(person))


def to_change(person: User) -> QuerySet[Revision]:
    """Revisions of insights that this person wrote, and that a reviewer sent back."""
    return _waiting(person).filter(written=True, standing=Decision.Kind.CHANGES_REQUESTED)


def for_others(person: User) -> QuerySet[Revision]:
    """What this person wrote or approved, or cannot bring forward: it waits for somebody else."""
    mine = Q(written=True) | Q(approved=True)
    if not person.has_role(Role.REVIEWER, Role.OPERATOR):
        return _undecided(person).filter(mine)
    return _undecided(person).exclude(pk__in=to_review(person).values("pk"))


def missing(revision: Revision) -> list[str]:
    """What a revision that nobody turned down waits for, in words. Reads what is prefetched."""
    approvals, gates = list(revision.approvals.all()), list(revision.gate_results.all())
    waits = []
    if not (gates and gates[-1].verdict == GateResult.Verdict.PASSED) and not revision.overrides.all():
        waits.append("a passed gate or a written override")
    if len(approvals) < APPROVALS_NEEDED:
        needed = APPROVALS_NEEDED - len(approvals)
        waits.append("1 more approval" if needed == 1 else f"{needed} more approvals")
    if not any(approval.as_operator for approval in approvals):
        waits.append("an operator's approval")
    return waits


def _mine_to_judge(person: User) -> Q:
    """Not written by them, not approved by them, and their yes would count."""
    counts = Q(n_approvals=0) | Q(n_operators__gt=0)
    if person.has_role(Role.OPERATOR):
        counts |= Q(n_operators=0)
    return Q(written=False, approved=False) & counts


def _undecided(person: User) -> QuerySet[Any]:
    """Waiting revisions with something to serve, about which no no stands."""
    no_no = Q(standing__isnull=True) | Q(standing=Decision.Kind.REOPENED)
    return _waiting(person).filter(no_no, has_signal=True)


def _waiting(person: User) -> QuerySet[Any]:
    """Newest revisions that are not served, annotated with what decides whom they wait for."""
    newest_decision = Decision.objects.filter(revision=OuterRef("pk")).order_by("-pk").values("kind")[:1]
    return (
        Revision.objects.filter(
            insight__in=Insight.objects.visible_to(person),
            number=F("insight__revision"),
            insight__state__in=OPEN,
            activation__isnull=True,
        )
        .annotate(
            n_approvals=Count("approvals", distinct=True),
            n_operators=Count("approvals", filter=Q(approvals__as_operator=True), distinct=True),
            standing=Subquery(newest_decision),
            written=Exists(Revision.objects.filter(insight=OuterRef("insight"), author=person)),
            approved=Exists(Approval.objects.filter(revision=OuterRef("pk"), approver=person)),
            has_signal=Exists(Signal.objects.filter(revision=OuterRef("pk"))),
        )
        .order_by("created_at", "pk")
    )


def _shown(revisions: QuerySet[Revision]) -> QuerySet[Revision]:
    return revisions.select_related("insight__author", "author").prefetch_related(
        "signals", "gate_results", "approvals__approver", "overrides", "decisions__person", "scores__rater"
    )[:LIMIT]
