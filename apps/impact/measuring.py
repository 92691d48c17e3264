"""Replaying an insight on held-out telemetry: with it and without it, series by series. Reads only."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.db.models import Sum

from apps.analysis import grid
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES, data_hash, split_hash
from apps.insights import composition
from apps.insights.drafts import specificity
from apps.telemetry import reading
from apps.telemetry.models import Series

from . import holding
from .results import Measurement, Seen, SeriesResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.analysis.types import Interval, Setting
    from apps.insights.models import Insight, Revision

MAX_SAMPLES = 10_000_000  # what one task may read


def subject(insight: Insight) -> Revision | None:
    """The revision that is measured: the newest that was ever served; None where none was."""
    revisions = insight.revisions.prefetch_related("signals", "gate_results").select_related(
        "activation", "source_postmortem"
    )
    return revisions.filter(activation__isnull=False).order_by("-number").first()


def obstacle(insight: Insight) -> str:
    """Why a replay cannot measure this insight; empty if it can."""
    if not insight.revisions.filter(signals__isnull=False).exists():
        return "The insight is prose: it has no signal that a replay could switch on and off."
    revision = subject(insight)
    if revision is None:
        return (
            "The insight was never served. Proposals are not replayed on held-out data: "
            "whoever could do so could tune on it."
        )
    found = Series.objects.filter(pk__in=_scope(insight, revision), samples__gt=0)
    samples = int(found.aggregate(total=Sum("samples"))["total"] or 0)
    if not samples:
        return "None of the insight's series has samples here, so there is nothing to replay."
    if samples > MAX_SAMPLES:
        return f"Its series have {samples:,} samples; at most {MAX_SAMPLES:,} are replayed at once."
    return ""


def measure(insight: Insight, revision: Revision) -> Measurement:
    """Both arms on the held-out part of every series: what others serve, and that with this revision.

    Nothing that the gate has seen is counted, nor the incident that the insight was learnt from. Incidents
    of the hold-out do count: nothing is learnt from a verdict. Drills never do.
    """
    began = time.perf_counter()
    scope = _scope(insight, revision)
    before = composition.compose(scope, without=insight.pk)
    ranks = composition.ranks(scope, without=insight.pk)
    results, empty = [], []
    for series_id in scope:
        old = _values(before.get(series_id))
        new = {**old, **_columns(revision, ranks.get(series_id, {}))}
        result = _measured(series_id, revision, apply(DEFAULT_SETTING, old), apply(DEFAULT_SETTING, new))
        if result is None:
            empty.append(series_id)
        else:
            results.append(result)
    return Measurement(results, empty, time.perf_counter() - began)


def _scope(insight: Insight, revision: Revision) -> list[str]:
    served = composition.covered(insight) if insight.active_revision == revision.number else set()
    return sorted(served) or reading.resolve(revision.scope)


def _columns(revision: Revision, ranks: Mapping[str, int]) -> dict[str, object]:
    """What the revision sets where it speaks: of two signals of one kind the narrower scope wins."""
    own = specificity(revision.scope)
    return {
        name: value
        for signal in revision.signals.all()
        if ranks.get(signal.kind, -1) <= own
        for name, value in signal.columns.items()
    }


def _values(content: Any) -> Mapping[str, object]:
    return content.values if content else {}


def _measured(series_id: str, revision: Revision, before: Setting, after: Setting) -> SeriesResult | None:
    held = holding.held_out(series_id, revision)
    if held is None:
        return None
    case, scorer = held.case, held.case.test_scorer
    rows = [grid.alarm_rows(case.prepared, setting, case.split.test) for setting in (before, after)]
    delays = [scorer.delays(alarms) for alarms in rows]
    counted = [scorer.false_alarms_at(alarms).tolist() for alarms in rows]
    return SeriesResult(
        series_id=series_id,
        held_out_us=scorer.watched_us,
        counted_at=(counted[0], counted[1]),
        incidents=[
            Seen(series_id, interval, old, new, held.sources[interval])
            for interval, old, new in zip(scorer.incidents, *delays, strict=True)
        ],
        drills=_unseen(series_id, held.drills, held.drills),
        unscored=_unseen(series_id, held.unscored, held.sources),
        own=_unseen(series_id, held.own, held.sources),
        split_hash=split_hash({series_id: case.telemetry}, {series_id: case.split}, GENERAL_RULES),
        data_hash=data_hash(case.telemetry),
    )


def _unseen(
    series_id: str, intervals: Iterable[Interval], sources: Mapping[Interval, frozenset[str]]
) -> list[Seen]:
    return [Seen(series_id, interval, None, None, sources[interval]) for interval in intervals]
