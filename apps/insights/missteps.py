"""Signals that failed: kept when they do, and found again when somebody proposes the same or nearly the same.

Two signals meet where they are of one kind, near in value (`analysis.nearness`), and share a series.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from apps.analysis.nearness import near
from apps.telemetry import reading
from apps.telemetry.models import Series

from .models import Finding, GateResult, Misstep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .models import Decision, Revision

MOST = 500  # newest missteps of the same kinds and series that are compared
WHY_FOUND = {
    Finding.Source.PROSPECTIVE: Misstep.Why.PROSPECTIVE_WORSE,
    Finding.Source.VERDICT: Misstep.Why.VERDICT_WORSE,
    Finding.Source.SHADOW: Misstep.Why.SHADOW_WORSE,
}


def gate_ran(result: GateResult) -> None:
    """Keep a failed backtest, the first one of its revision. Passed and impossible ones are no misstep."""
    if result.verdict == GateResult.Verdict.FAILED:
        _keep(result.revision, Misstep.Why.GATE_FAILED, "", result.reason)


def rejected(decision: Decision) -> None:
    """Keep a rejection."""
    _keep(decision.revision, Misstep.Why.REJECTED, str(decision.pk), decision.reason)


def found(finding: Finding, revision: Revision) -> None:
    """Keep a finding of harm; the others are no misstep."""
    if finding.outcome == Finding.Outcome.WORSE:
        interval = (
            f", effect {finding.effect:+.3g} [{finding.low:+.3g}, {finding.high:+.3g}]"
            if None not in (finding.effect, finding.low, finding.high)
            else ""
        )
        look = f"{finding.get_source_display()} {finding.reference}"
        text = f"{look}: {finding.method}, n = {finding.n}{interval}."
        _keep(revision, WHY_FOUND[Finding.Source(finding.source)], finding.reference, text)


def near_revision(revision: Revision) -> list[Misstep]:
    """What failed before of the same or a near signal, newest first; never of the revision itself."""
    return near_revisions([revision])[revision.pk]


def near_revisions(revisions: Sequence[Revision]) -> dict[int, list[Misstep]]:
    """`near_revision` of several at once, by key, in two queries. Reads `signals`, if they are prefetched."""
    signals = {
        revision.pk: [(signal.kind, signal.columns) for signal in revision.signals.all()]
        for revision in revisions
    }
    scopes = {revision.pk: revision.scope for revision in revisions if signals[revision.pk]}
    series = _resolved(scopes)
    rows = _candidates(
        {kind for pairs in signals.values() for kind, _ in pairs},
        set().union(*series.values()) if series else set(),
    )
    return {
        revision.pk: [
            row
            for row in rows
            if row.signal.revision_id != revision.pk
            and _meets(row, signals[revision.pk], series.get(revision.pk, set()))
        ]
        for revision in revisions
    }


def near_draft(scope: Mapping[str, Any], signals: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Misstep]:
    """What failed before of signals (kind and columns) that somebody is typing.

    Raises:
        InvalidInputError: not a scope.
    """
    typed, series = list(signals), set(reading.resolve(scope))
    rows = _candidates({kind for kind, _ in typed}, series)
    return [row for row in rows if _meets(row, typed, series)]


def _meets(row: Misstep, signals: Iterable[tuple[str, Mapping[str, Any]]], series: set[str]) -> bool:
    return not series.isdisjoint(row.series) and any(
        kind == row.kind and near(kind, row.signal.columns, columns) for kind, columns in signals
    )


def _candidates(kinds: set[str], series: set[str]) -> list[Any]:
    if not kinds or not series:
        return []
    rows = Misstep.objects.filter(kind__in=kinds, series__overlap=sorted(series)).standing().told()
    return list(rows.order_by("-pk")[:MOST])


def _resolved(scopes: Mapping[int, Mapping[str, Any]]) -> dict[int, set[str]]:
    """The series of each scope; one query for all that do not name theirs."""
    wide = [scope for scope in scopes.values() if "series" not in scope]
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    if wide:
        wanted = Q()
        for scope in wide:
            wanted |= Q(service__slug=scope.get("service"))
        rows = (
            Series.objects.all()
            if any(scope.get("fleet") for scope in wide)
            else Series.objects.filter(wanted)
        )
        for pk, service, family in rows.values_list("pk", "service__slug", "metric_family"):
            known[(service, family)].add(pk)
    return {key: _of_scope(scope, known) for key, scope in scopes.items()}


def _of_scope(scope: Mapping[str, Any], known: Mapping[tuple[str, str], set[str]]) -> set[str]:
    if "series" in scope:
        return set(scope["series"])
    return {
        pk
        for (service, family), names in known.items()
        if (scope.get("fleet") or service == scope["service"])
        and scope.get("metric_family", family) == family
        for pk in names
    }


def _keep(revision: Revision, why: str, reference: str, text: str) -> None:
    series = reading.resolve(revision.scope)
    for signal in revision.signals.all():
        Misstep.objects.get_or_create(
            signal=signal,
            why=why,
            reference=reference,
            defaults={
                "kind": signal.kind,
                "text": text or "No reason given.",
                "series": series,
                "services": sorted({name.partition("/")[0] for name in series}),
            },
        )
