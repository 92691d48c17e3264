"""From active signals to the profile of a series: which signal speaks, and what stands behind each column."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import F

from apps.analysis import findings
from apps.common.times import iso_us
from apps.features.releases import ProfileContent
from apps.telemetry import reading

from .drafts import specificity
from .models import Finding, GateResult, Insight, Revision, ServedSignal, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apps.analysis.findings import Standing

COUNTED = (Finding.Outcome.IMPROVED, Finding.Outcome.WORSE)  # the others move nothing, and say why


def effective_confidence(revision: Revision) -> float:
    """The confidence that consumers see: the declared one under override and findings."""
    return standing_of(revision).served


def standing_of(revision: Revision, *, also: Finding | None = None) -> Standing:
    """Where a revision stands: declared confidence, override, and what was found of its insight.

    A finding counts for every revision of its insight: new words do not shed it. Looks at the same data by
    the same method count once, the newest. `also` is one that is not kept yet.
    """
    result = deciding_result(revision)
    passed = result is not None and result.verdict == GateResult.Verdict.PASSED
    counted = counted_findings([*revision.insight.findings.all(), *([also] if also else [])])
    outcomes = [finding.outcome for finding in counted]
    return findings.standing(
        revision.confidence,
        overridden=bool(revision.overrides.all()) and not passed,
        improved=outcomes.count(Finding.Outcome.IMPROVED),
        worse=outcomes.count(Finding.Outcome.WORSE),
    )


def counted_findings(noted: Iterable[Finding]) -> list[Finding]:
    """Those that move a confidence, of findings in the order in which they were noted."""
    newest: dict[tuple[str, ...], Finding] = {}
    for finding in noted:
        same = (finding.split_hash, finding.method) if finding.split_hash else ("", finding.reference)
        newest[(finding.source, *same)] = finding
    return [finding for finding in newest.values() if finding.outcome in COUNTED]


def deciding_result(revision: Revision) -> GateResult | None:
    """The backtest that counts: the one it was activated with, before that the newest."""
    activation = getattr(revision, "activation", None)
    results = list(revision.gate_results.all())
    if activation is not None:
        return next(result for result in results if result.pk == activation.gate_result_id)
    return results[-1] if results else None


def index_signals(revision: Revision) -> None:
    """Note for which series a revision speaks, as it becomes active: a scope means the series of then."""
    rank = specificity(revision.scope)
    signals = list(revision.signals.all())
    ServedSignal.objects.bulk_create(
        ServedSignal(series=series_id, signal=signal, insight_id=revision.insight_id, specificity=rank)
        for series_id in reading.resolve(revision.scope)
        for signal in signals
    )


def covered(insight: Insight) -> set[str]:
    """The series for which the insight's active revision speaks; none while it is not served."""
    if insight.active_revision is None:
        return set()
    served = ServedSignal.objects.filter(insight=insight, signal__revision__number=insight.active_revision)
    return set(served.values_list("series", flat=True))


def manifest() -> list[dict[str, int]]:
    """Every insight that is active, with the revision that is served, by insight number."""
    active = Insight.objects.filter(state=Insight.State.APPROVED).order_by("pk")
    return [
        {"insight": pk, "revision": number}
        for pk, number in active.values_list("pk", "active_revision")
        if number
    ]


def compose(series: Iterable[str], *, without: int | None = None) -> dict[str, ProfileContent | None]:
    """The profile of each named series under the active signals; None where no signal is left.

    Of several signals of one kind the narrower scope wins, then the newer activation. `without` leaves one
    insight out: what would be served if it were not there.
    Makes a fixed number of queries.
    """
    wanted = sorted(set(series))
    rows = (
        ServedSignal.objects.filter(series__in=wanted, signal__revision__number=F("insight__active_revision"))
        .exclude(insight=without)
        .select_related("signal__revision__activation", "signal__revision__insight")
        .prefetch_related(
            "signal__revision__gate_results",
            "signal__revision__overrides",
            "signal__revision__insight__findings",
        )
        .order_by("series", "-specificity", "-signal__revision__activation__release", "-pk")
    )
    chosen: dict[str, dict[str, Signal]] = defaultdict(dict)
    for row in rows:
        chosen[row.series].setdefault(row.signal.kind, row.signal)
    return {
        series_id: _profile(series_id, chosen[series_id]) if series_id in chosen else None
        for series_id in wanted
    }


def ranks(series: Iterable[str], *, without: int | None = None) -> dict[str, dict[str, int]]:
    """How narrowly each kind of signal is spoken for now, by series; `without` leaves one insight out."""
    rows = ServedSignal.objects.filter(
        series__in=sorted(set(series)), signal__revision__number=F("insight__active_revision")
    ).exclude(insight=without)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for series_id, kind, rank in rows.values_list("series", "signal__kind", "specificity"):
        found[series_id][kind] = max(rank, found[series_id].get(kind, 0))
    return dict(found)


def _profile(series_id: str, signals: Mapping[str, Signal]) -> ProfileContent:
    values: dict[str, object] = {}
    sources: dict[str, dict[str, Any]] = {}
    for kind in sorted(signals):
        source = _provenance(signals[kind])
        for column, value in signals[kind].columns.items():
            values[column] = value
            sources[column] = source
    for signal in signals.values():
        for column, value in _evidence(series_id, signal.revision).items():
            values[column] = value
            sources[column] = _provenance(signal)
    return ProfileContent(values=values, sources=sources)


def _provenance(signal: Signal) -> dict[str, Any]:
    revision = signal.revision
    overrides = list(revision.overrides.all())
    now = standing_of(revision)
    # Left out where nothing was found, so that what was released before findings existed reads the same.
    counts = {"findings": {"improved": now.improved, "worse": now.worse}} if now.improved or now.worse else {}
    return {
        "insight": revision.insight_id,
        "revision": revision.number,
        "signal": signal.pk,
        "kind": signal.kind,
        "confidence": now.served,
        "expires_at": iso_us(revision.expires_at) if revision.expires_at else None,
        "document": revision.document,
        "sha256": revision.sha256,
        "lines": [revision.first_line, revision.last_line],
        "excerpt": revision.excerpt,
        "override": overrides[-1].reason if overrides else None,
        **counts,
    }


def _evidence(series_id: str, revision: Revision) -> dict[str, object]:
    """Counts behind a revision on one series, from its gate.

    Nothing (served as null) where no gate could count.
    """
    result = deciding_result(revision)
    effect = result.report.get("series", {}).get(series_id, {}) if result else {}
    if effect.get("start_us") is None:
        return {}  # no telemetry was replayed: zero incidents would be a claim
    return {column: value for column, value in effect.get("evidence", {}).items() if value is not None}
