"""What came of the lessons that one person wrote: insight, signal, release, measured effect (A34)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count

from apps.impact.models import Verdict
from apps.insights import wording
from apps.insights.models import Activation, Insight

from .reads import newest_revisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.insights.models import Revision


@dataclass(frozen=True)
class Contribution:
    """One insight of the author and how far it came; `release` is the first that served it."""

    revision: Revision
    signals: list[str]
    release: int | None
    verdicts: list[Verdict]


def authored(author: User, reader: User) -> QuerySet[Revision]:
    """Newest revisions of the insights that `author` proposed, for a list."""
    return newest_revisions(reader).filter(insight__author=author).prefetch_related("signals")


def told(revisions: Sequence[Revision], reader: User) -> list[Contribution]:
    """The rows of a page with what came of each; two queries, whatever their number."""
    numbers = [revision.insight_id for revision in revisions]
    rows = Activation.objects.filter(revision__insight__in=numbers).order_by("-release")
    released = dict(rows.values_list("revision__insight_id", "release"))  # the first one is last, and stays
    verdicts: dict[int, list[Verdict]] = defaultdict(list)
    newest = Verdict.objects.visible_to(reader).newest().filter(insight__in=numbers).values("pk")
    for verdict in Verdict.objects.filter(pk__in=newest).order_by("-pk"):
        verdicts[verdict.insight_id or 0].append(verdict)
    return [
        Contribution(
            revision,
            [wording.signal(signal.kind, signal.value) for signal in revision.signals.all()],
            released.get(revision.insight_id),
            verdicts[revision.insight_id],
        )
        for revision in revisions
    ]


def totals(author: User, reader: User) -> dict[str, int]:
    """How many insights, how many were ever served, and how many verdicts of each kind; three queries."""
    mine = Insight.objects.visible_to(reader).filter(author=author)
    newest = Verdict.objects.visible_to(reader).newest().filter(insight__author=author).values("pk")
    counted = Verdict.objects.filter(pk__in=newest).values_list("verdict").annotate(n=Count("pk")).order_by()
    served = Activation.objects.filter(revision__insight__in=mine).values("revision__insight").distinct()
    return {"insights": mine.count(), "served": served.count(), **dict(counted)}
