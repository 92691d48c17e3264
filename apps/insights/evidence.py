"""What a revision would change, or has changed, on the telemetry of its series: before and after.

Until a revision is served only the training part is shown: what comes after the cut is kept for measuring the
effect, and a reviewer who had seen it would have chosen by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.analysis.accounting import Counts
from apps.evaluation.comparison import Comparison, compare
from apps.telemetry import reading
from apps.telemetry.models import Series

from . import access, arms, gating

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User
    from apps.evaluation.comparison import IncidentOutcome

    from .models import Insight, Revision

MAX_SERIES = 8  # compared at once; the gate itself sums over all


@dataclass(frozen=True)
class Row:
    """One series, or the sum of all: counts before and after on one part of the telemetry."""

    label: str
    before: Counts
    after: Counts

    @property
    def delay_before(self) -> float | None:
        """Mean seconds to the first alarm of detected incidents."""
        return _mean(self.before.delays_s)

    @property
    def delay_after(self) -> float | None:
        """As `delay_before`, with the signals."""
        return _mean(self.after.delays_s)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Comparisons by series, with what was left out and why."""

    comparisons: list[Comparison]
    rows: list[Row]
    held_out: list[Row]
    not_shown: int
    without_telemetry: list[str]
    served: bool
    reason: str = ""


def newest(insight_id: int, *, reader: User) -> tuple[Insight, Revision]:
    """An insight and its newest revision, with what the evidence reads of it.

    Raises:
        NotFoundError: no such insight, or not for this reader.
    """
    insight = access.find_insight(insight_id, actor=reader)
    return insight, of_number(insight, insight.revision)


def of_number(insight: Insight, number: int) -> Revision:
    """One revision of an insight, as `newest` gives it."""
    revisions = insight.revisions.select_related("activation").prefetch_related("signals", "gate_results")
    return revisions.get(number=number)


def was_served(revision: Revision) -> bool:
    """Is the revision served, or was it ever?"""
    return getattr(revision, "activation", None) is not None


def evidence(revision: Revision, *, served: bool) -> Evidence:
    """Both arms on each series of a revision's scope, at most `MAX_SERIES` of them; may take a second.

    Before: what is served now, as for the gate; of a revision that is or was served, what would be served
    without its insight. After: the same without the insight's older signals, but with the revision's.
    `served` says whether it is or was, and with that whether the held-out part may be shown.
    """
    if not gating.columns(revision):
        return _nothing("It is prose: there is no signal to compare.", served=served)
    wanted = reading.resolve(revision.scope)
    sampled = set(Series.objects.filter(pk__in=wanted, samples__gt=0).values_list("pk", flat=True))
    shown = [name for name in wanted if name in sampled][:MAX_SERIES]
    if not shown:
        return _nothing("None of its series has telemetry yet.", served=served)
    if gating.sample_count({"series": shown}) > gating.MAX_SAMPLES:
        return _nothing("These series have too many samples to compare on one page.", served=served)
    vectors = arms.of_revision(revision, served=served)
    try:
        comparisons = [compare(name, *vectors[name]) for name in shown]
    except ValueError as clash:
        return _nothing(f"It contradicts what is in force: {clash}.", served=served)
    return Evidence(
        comparisons=comparisons,
        rows=_rows({one.series_id: one.train for one in comparisons}),
        held_out=_rows({one.series_id: one.test for one in comparisons}) if served else [],
        not_shown=len([name for name in wanted if name in sampled]) - len(shown),
        without_telemetry=[name for name in wanted if name not in sampled],
        served=served,
    )


def incidents(comparison: Comparison, *, served: bool) -> list[IncidentOutcome]:
    """The incidents that may be shown, newest first."""
    parts = {"train", "test", "unscored"} if served else {"train"}
    found = [outcome for outcome in comparison.incidents if outcome.part in parts]
    return sorted(found, key=lambda outcome: outcome.interval.start_us, reverse=True)


def _rows(pairs: Mapping[str, tuple[Counts, Counts]]) -> list[Row]:
    rows = [Row(name, before, after) for name, (before, after) in pairs.items()]
    if len(rows) > 1:
        total = Row(
            "All of them",
            sum((row.before for row in rows), Counts()),
            sum((row.after for row in rows), Counts()),
        )
        rows.append(total)
    return rows


def _mean(values: tuple[float, ...]) -> float | None:
    return sum(values) / len(values) if values else None


def _nothing(reason: str, *, served: bool) -> Evidence:
    return Evidence([], [], [], 0, [], served, reason)
