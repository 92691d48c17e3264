"""The gate as the insights room uses it: which telemetry, which labels, what is remembered of the verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Sum

from apps.analysis import detector, gate, profiles
from apps.analysis.cases import Case
from apps.analysis.split import GENERAL_RULES, data_hash
from apps.common.canonical import digest
from apps.common.code import code_id
from apps.common.errors import InvalidInputError
from apps.telemetry import reading
from apps.telemetry.models import Series

from . import composition, missteps
from .keeping import Kept
from .models import GateResult, Revision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.analysis.types import Interval, Telemetry

MAX_SAMPLES = 2_000_000  # some seconds and 200 MB: what a request may cost
KEPT_SAMPLES = 25_000  # a prepared series of that size takes about 3 MB
_cases: Kept[Case] = Kept(16)


@dataclass(frozen=True)
class Judgement:
    """A backtest that is not attached to a revision yet."""

    verdict: str
    reason: str
    report: dict[str, Any]
    split_hash: str = ""
    data_hash: str = ""

    def keep(self, revision: Revision) -> GateResult:
        """Attach it to its revision; a failed one is kept as a misstep of its signals."""
        result = GateResult.objects.create(
            revision=revision,
            verdict=self.verdict,
            reason=self.reason,
            report=self.report,
            split_hash=self.split_hash,
            data_hash=self.data_hash,
            code=code_id(),
        )
        missteps.gate_ran(result)
        return result


def judge(scope: Mapping[str, Any], change: Mapping[str, object], *, without: int | None = None) -> Judgement:
    """Backtest columns on the training slice of every series of a scope; reads only.

    They are held against what is served now, so that an insight is judged by what it adds; `without` is the
    insight itself where a revision of it is served: what the new one drops must not count for it. It may take
    seconds: callers judge before they lock anything.
    """
    if not change:
        reason = "It is prose: there is no signal to replay."
        return Judgement(GateResult.Verdict.IMPOSSIBLE, reason, {})
    samples = sample_count(scope)
    if samples > MAX_SAMPLES:
        reason = (
            f"The scope has {samples:,} samples; at most {MAX_SAMPLES:,} are replayed. Name fewer series, "
            "or one service after the other."
        )
        return Judgement(GateResult.Verdict.IMPOSSIBLE, reason, {})
    found = history(scope)
    cases = {name: ready(*history)[1] for name, history in found.items()}
    report = gate.evaluate_cases(cases, change, active=served_vectors(found, without=without))
    return Judgement(
        report.verdict,
        report.reason,
        finite(report.as_dict()),
        report.split_hash,
        digest({name: data_hash(telemetry) for name, (telemetry, _) in found.items()}),
    )


def ready(telemetry: Telemetry, labels: Sequence[Interval]) -> tuple[str, Case]:
    """A series split and prepared, and the hash of what it was made of; small ones are kept for a while."""
    key = digest([data_hash(telemetry), [[label.start_us, label.end_us] for label in labels]])
    case: Case | None = _cases.get(key)
    if case is None:
        case = Case.build(telemetry, labels, GENERAL_RULES)
        if len(telemetry) <= KEPT_SAMPLES:
            _cases.put(key, case)
    return key, case


def dry_run(revision: Revision) -> dict[str, Any]:
    """What the revision's columns are, and the alarm samples with and without them over all telemetry (A10).

    Raises:
        InvalidInputError: the scope has more samples than one request may replay.
    """
    if sample_count(revision.scope) > MAX_SAMPLES:
        raise InvalidInputError(
            f"The scope has more than {MAX_SAMPLES:,} samples.", field="scope", remedy="Name fewer series."
        )
    change, found = columns(revision), history(revision.scope)
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


def sample_count(scope: Mapping[str, Any]) -> int:
    """How many samples a replay of the scope would read."""
    wanted = reading.resolve(scope)
    return int(Series.objects.filter(pk__in=wanted).aggregate(total=Sum("samples"))["total"] or 0)


def history(scope: Mapping[str, Any]) -> dict[str, tuple[Telemetry, list[Interval]]]:
    """Telemetry and incident labels of every series in scope; never a drill, never a hold-out incident.

    A named series that is not known here yet has no samples.
    """
    wanted = reading.resolve(scope)
    telemetry, labels = reading.read_all(wanted), reading.labels_of(wanted)
    return {name: (telemetry[name], labels[name]) for name in wanted}


def served_vectors(
    series: Mapping[str, object], *, without: int | None = None
) -> dict[str, Mapping[str, object]]:
    """The columns in force for each of the series under the active signals, those of one insight left out."""
    composed = composition.compose(series, without=without)
    return {series_id: content.values for series_id, content in composed.items() if content}


def finite(value: Any) -> Any:
    """The same JSON value with null for what JSON cannot carry (NaN and infinities)."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
