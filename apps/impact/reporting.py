"""The report: the newest verdict of every action, with p adjusted over all that are shown together.

Who asks about many actions finds "improved" by chance in some. So what a report calls improved or worse is
decided by Benjamini and Hochberg's procedure at a false discovery rate of five per cent over all of it.
Verdict rows stay as they were found; the adjusted verdict is what is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.analysis import multiplicity

from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

RATE = multiplicity.FALSE_DISCOVERY_RATE
CLAIMS = frozenset({Verdict.Outcome.IMPROVED, Verdict.Outcome.WORSE})


@dataclass(frozen=True)
class Adjusted:
    """A verdict as a report says it. `p` adjusted over `among` verdicts that have a p; None without one."""

    verdict: str
    p: float | None
    among: int

    @property
    def label(self) -> str:
        return Verdict.Outcome(self.verdict).label


def report() -> dict[int, Adjusted]:
    """By number, every verdict that a report shows: the newest of each action. One query."""
    rows = Verdict.objects.newest().values_list("pk", "verdict", "p")
    return adjust(rows)


def adjust(rows: Iterable[tuple[int, str, float | None]]) -> dict[int, Adjusted]:
    """(number, verdict, p) of all verdicts that are shown together, adjusted. Pure.

    Verdicts of too few data have a p as well, and were asked about as well: they count among the rest.
    """
    given = list(rows)
    tested = [(pk, p) for pk, _, p in given if p is not None]
    adjusted = dict(
        zip([pk for pk, _ in tested], multiplicity.benjamini_hochberg([p for _, p in tested]), strict=True)
    )
    return {pk: _said(verdict, adjusted.get(pk), len(tested)) for pk, verdict, _ in given}


def of(verdict: Verdict) -> Adjusted:
    """One verdict, beside all that a report shows; an earlier look takes the place of the newest."""
    newest = Verdict.objects.newest().values_list("pk", "verdict", "p")
    rows = {pk: (said, p) for pk, said, p in newest}
    if verdict.pk not in rows:
        later = Verdict.objects.filter(action=verdict.action_id).newest().values_list("pk", flat=True)
        for pk in later:
            rows.pop(pk, None)
        rows[verdict.pk] = (verdict.verdict, verdict.p)
    return adjust((pk, said, p) for pk, (said, p) in rows.items())[verdict.pk]


def _said(verdict: str, p: float | None, among: int) -> Adjusted:
    if verdict in CLAIMS and (p is None or p > RATE):
        return Adjusted(Verdict.Outcome.NO_EVIDENCE, p, among)
    return Adjusted(verdict, p, among)
