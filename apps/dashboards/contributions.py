"""What came of the lessons that one person wrote: insight, signal, release, measured effect (A34)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.impact import reporting, saving
from apps.impact import wording as verdict_wording
from apps.impact.models import Verdict
from apps.insights import wording
from apps.insights.models import Activation, Finding, Insight

from .reads import newest_revisions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.impact.reporting import Adjusted
    from apps.impact.saving import Saved
    from apps.impact.wording import Shown
    from apps.insights.models import Revision

FINDINGS = 3
"""Of each lesson that a list shows; its page has all of them."""
VERIFIED = 10


@dataclass(frozen=True)
class Contribution:
    """One insight of the author and how far it came; `release` is the first that served it.

    `verdicts` are those of its actions as the report says them, `findings` the newest of other looks at it,
    `saved` the minutes that it saves while it is served, with their interval.
    """

    revision: Revision
    signals: list[str]
    release: int | None
    verdicts: list[Shown]
    findings: list[Finding]
    saved: Saved | None


@dataclass(frozen=True)
class Verified:
    """A lesson whose effect a report verifies, whoever wrote it."""

    insight: Insight
    shown: Shown


def authored(author: User, reader: User) -> QuerySet[Revision]:
    """Newest revisions of the insights that `author` proposed, for a list."""
    return newest_revisions(reader).filter(insight__author=author).prefetch_related("signals")


def told(revisions: Sequence[Revision], reader: User, said: Mapping[int, Adjusted]) -> list[Contribution]:
    """The rows of a page with what came of each; a fixed number of queries. `said`: the whole report."""
    numbers = [revision.insight_id for revision in revisions]
    rows = Activation.objects.filter(revision__insight__in=numbers).order_by("-release")
    released = dict(rows.values_list("revision__insight_id", "release"))  # the first one is last, and stays
    verdicts = _verdicts(numbers, reader)
    findings: dict[int, list[Finding]] = defaultdict(list)
    for finding in Finding.objects.filter(insight__in=numbers).exclude(source="verdict").order_by("-pk"):
        findings[finding.insight_id].append(finding)
    return [
        Contribution(
            revision,
            [wording.signal(signal.kind, signal.value) for signal in revision.signals.all()],
            released.get(revision.insight_id),
            [verdict_wording.shown(one, said.get(one.pk)) for one in verdicts[revision.insight_id]],
            findings[revision.insight_id][:FINDINGS],
            _saved(verdicts[revision.insight_id]),
        )
        for revision in revisions
    ]


def _verdicts(numbers: Sequence[int], reader: User) -> dict[int, list[Verdict]]:
    newest = Verdict.objects.visible_to(reader).newest().filter(insight__in=numbers).values("pk")
    found: dict[int, list[Verdict]] = defaultdict(list)
    for verdict in Verdict.objects.filter(pk__in=newest).with_names().order_by("-pk"):
        found[verdict.insight_id or 0].append(verdict)
    return found


def _saved(verdicts: Sequence[Verdict]) -> Saved | None:
    """By the newest replay of its false alarms, if it is served."""
    newest = next((one for one in verdicts if saving.tells(one)), None)
    return saving.saved(newest) if newest is not None else None


def totals(author: User, reader: User, said: Mapping[int, Adjusted]) -> dict[str, int]:
    """How many insights, how many were ever served, and how many verdicts of each kind; three queries."""
    mine = Insight.objects.visible_to(reader).filter(author=author)
    newest = Verdict.objects.visible_to(reader).newest().filter(insight__author=author)
    counted = Counter(said[pk].verdict for pk in newest.values_list("pk", flat=True) if pk in said)
    served = Activation.objects.filter(revision__insight__in=mine).values("revision__insight").distinct()
    return {"insights": mine.count(), "served": served.count(), **counted}


def verified(reader: User, said: Mapping[int, Adjusted]) -> list[Verified]:
    """Lessons of everybody with a verified effect, the newest first: what was learnt, never who leads.

    One query.
    """
    improved = [pk for pk, one in said.items() if one.verdict == Verdict.Outcome.IMPROVED]
    rows = (
        Verdict.objects.visible_to(reader)
        .filter(pk__in=improved, insight__isnull=False)
        .with_names()
        .order_by("-pk")[:VERIFIED]
    )
    return [
        Verified(row.insight, verdict_wording.shown(row, said[row.pk]))
        for row in rows
        if row.insight is not None
    ]


def report() -> dict[int, Adjusted]:
    """What the report says of every newest verdict; one query."""
    return reporting.report()
