"""The gate as the insights room uses it: which telemetry, which labels, what is remembered of the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apps.analysis import detector, gate, profiles
from apps.telemetry import reading

from . import composition
from .models import GateResult, Revision

if TYPE_CHECKING:
    from apps.analysis.types import Interval, Telemetry


def evaluate_revision(revision: Revision) -> GateResult:
    """Backtest a revision on the training slice of every series in its scope, and keep the result.

    It is held against what is served now, so that an insight is judged by what it adds.
    """
    change = columns(revision)
    if not change:
        return GateResult.objects.create(
            revision=revision,
            verdict=GateResult.Verdict.IMPOSSIBLE,
            reason="It is prose: there is no signal to replay.",
            report={},
            split_hash="",
        )
    found = history(revision)
    report = gate.evaluate(found, change, active=served_vectors(found))
    return GateResult.objects.create(
        revision=revision,
        verdict=report.verdict,
        reason=report.reason,
        report=finite(report.as_dict()),
        split_hash=report.split_hash,
    )


def dry_run(revision: Revision) -> dict[str, Any]:
    """What the revision's columns are, and the alarm samples with and without them in all telemetry (A10)."""
    change, found = columns(revision), history(revision)
    active = served_vectors(found)
    series: dict[str, Any] = {}
    for series_id, (telemetry, _) in found.items():
        if not len(telemetry):
            continue
        prepared = detector.prepare(telemetry)
        before = active.get(series_id, {})
        series[series_id] = {
            "columns": change,
            "alarms_before": _alarms(prepared, before),
            "alarms_after": _alarms(prepared, {**before, **change}),
            "samples": len(telemetry),
        }
    return {
        "insight": revision.insight_id,
        "revision": revision.number,
        "series": series,
        "without_telemetry": sorted(set(found) - set(series)),
    }


def _alarms(prepared: detector.Prepared, vector: Mapping[str, object]) -> int:
    return int(detector.alarms(prepared, profiles.apply(profiles.DEFAULT_SETTING, vector)).sum())


def columns(revision: Revision) -> dict[str, object]:
    """All columns that the revision's signals set."""
    return {column: value for signal in revision.signals.all() for column, value in signal.columns.items()}


def history(revision: Revision) -> dict[str, tuple[Telemetry, list[Interval]]]:
    """Telemetry and incident labels of every series in scope; never a drill, never a hold-out incident."""
    return {
        series_id: (reading.read(series_id), reading.labels(series_id))
        for series_id in reading.resolve(revision.scope)
    }


def served_vectors(series: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The columns in force for each of the series under the signals that are active now."""
    return {
        series_id: content.values for series_id, content in composition.compose(series).items() if content
    }


def finite(value: Any) -> Any:
    """The same JSON value with null for what JSON cannot carry (NaN and infinities)."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
