"""The rubric of A28: four marks by each rater, their mean against the bar, and how far raters agree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.analysis import agreement

from .models import Score

if TYPE_CHECKING:
    from apps.analysis.agreement import Agreement

    from .models import Revision

RUBRIC = ("relevance", "timeliness", "breadth", "actionability")
QUESTIONS = {
    "relevance": "Does it bear on what goes wrong here?",
    "timeliness": "Does it come while it still holds?",
    "breadth": "Does it hold beyond this one case?",
    "actionability": "Is it clear what a detector, or a person, does with it?",
}
BAR = 3.0  # mean of all marks; below it an insight cannot act
RATERS = 2  # from so many on the marks are more than one person's taste
TOP_MARK = 5
POOL = 2000  # newest scores that the agreement of the whole installation is taken from


@dataclass(frozen=True)
class Marks:
    """One revision's marks side by side: a row for each criterion, a column for each rater."""

    scores: list[Score]
    rows: list[tuple[str, list[int]]]
    mean: float | None
    agreement: Agreement

    @property
    def enough(self) -> bool:
        return len(self.scores) >= RATERS

    @property
    def below(self) -> bool:
        return self.mean is not None and self.mean < BAR


def marks(revision: Revision) -> Marks:
    """The marks of a revision; reads what is prefetched as `scores__rater`."""
    scores = sorted(revision.scores.all(), key=lambda score: score.pk)
    rows = [(name, [getattr(score, name) for score in scores]) for name in RUBRIC]
    mean = sum(score.mean for score in scores) / len(scores) if scores else None
    table = [values for _, values in rows] if scores else []
    return Marks(scores, rows, mean, agreement.absolute(table))


def pooled() -> Agreement:
    """How alike two raters mark the same criterion of the same revision, over the newest scores of all.

    Of a revision that more than two rated, the first two count. Raters differ from insight to insight, so
    this is the one-way correlation.
    """
    by_revision: dict[int, list[Score]] = defaultdict(list)
    for score in Score.objects.order_by("-pk")[:POOL]:
        by_revision[score.revision_id].append(score)
    pairs = [scores[-RATERS:] for scores in by_revision.values() if len(scores) >= RATERS]
    return agreement.one_way([[getattr(score, name) for score in pair] for pair in pairs for name in RUBRIC])
