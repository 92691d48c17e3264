"""The backtest that stands before every application of a signal, on the training slice alone.

A change passes if utility rises by more than lambda, no incident that is detected now is lost, and there is
evidence: at least one incident, or three false alarms. A threshold is never raised on a series without an
incident and with fewer than three false alarms: silence is no reason to make a detector deaf. Every alarm
outside incidents counts as a benign disposition here, since nobody found a reason to call it an incident.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .cases import Case, Effect
from .evidence import describe, gather
from .profiles import DEFAULT_SETTING, apply
from .split import GENERAL_RULES, Rules, split_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .profiles import Vector
    from .types import Interval, Setting, Telemetry

Verdict: TypeAlias = Literal["passed", "failed", "impossible"]

MIN_INCIDENTS = 1
MIN_BENIGN = 3
TIE = 1e-9
"""Utilities this close are equal: sums of lambda in another order differ in the last digits."""


@dataclass(frozen=True)
class SeriesEffect:
    """The change on one series. `start_us`, `end_us`: first and last sample of the scored training slice.

    `lost`: incidents detected now and no longer. `evidence`: the descriptive columns of the vector.
    """

    n_incidents: int
    n_benign: int
    d_tp: int
    d_fp: int
    lost: int
    raises_threshold: bool
    start_us: int | None
    end_us: int | None
    evidence: Vector

    @property
    def has_evidence(self) -> bool:
        return self.n_incidents >= MIN_INCIDENTS or self.n_benign >= MIN_BENIGN


@dataclass(frozen=True)
class GateReport:
    """Verdict and figures of one candidate, summed over its series; `d_utility` = d_tp - lam * d_fp."""

    verdict: Verdict
    reason: str
    n_incidents: int
    n_benign: int
    d_tp: int
    d_fp: int
    d_utility: float
    lam: float
    split_hash: str
    default: Setting
    series: dict[str, SeriesEffect]

    @property
    def passed(self) -> bool:
        return self.verdict == "passed"

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values; `lambda` by its full name."""
        report = asdict(self)
        report["lambda"] = report.pop("lam")
        return report


def evaluate(
    series: Mapping[str, tuple[Telemetry, Sequence[Interval]]],
    change: Mapping[str, object],
    *,
    active: Mapping[str, Mapping[str, object]] | None = None,
    default: Setting = DEFAULT_SETTING,
    rules: Rules = GENERAL_RULES,
) -> GateReport:
    """Would `change` have helped on the training slices of `series` (id -> telemetry and incident labels)?

    `change` are columns as `profiles.compile_signal` gives them; `active` are the vectors in force before
    it, series without one have the default.

    Raises:
        ValueError: a column is outside its range.
    """
    cases = {
        name: Case.build(telemetry, labels, rules) for name, (telemetry, labels) in sorted(series.items())
    }
    return evaluate_cases(cases, change, active=active, default=default, rules=rules)


def evaluate_cases(
    cases: Mapping[str, Case],
    change: Mapping[str, object],
    *,
    active: Mapping[str, Mapping[str, object]] | None = None,
    default: Setting = DEFAULT_SETTING,
    rules: Rules = GENERAL_RULES,
) -> GateReport:
    """As `evaluate`, of series that were made ready under `rules` before.

    Raises:
        ValueError: a column is outside its range.
    """
    before = active or {}
    apply(default, change)  # refuses a column outside its range, before any other verdict
    clash = _contradiction(cases, default, before, change)
    effects = (
        {}
        if clash
        else {
            name: _compare(case, default, before.get(name, {}), change)
            for name, case in sorted(cases.items())
        }
    )
    d_tp = sum(effect.d_tp for effect in effects.values())
    d_fp = sum(effect.d_fp for effect in effects.values())
    d_utility = round(d_tp - rules.lam * d_fp, 9)
    verdict, reason = _judge(effects, d_utility, rules.lam, clash)
    return GateReport(
        verdict=verdict,
        reason=reason,
        n_incidents=sum(effect.n_incidents for effect in effects.values()),
        n_benign=sum(effect.n_benign for effect in effects.values()),
        d_tp=d_tp,
        d_fp=d_fp,
        d_utility=d_utility,
        lam=rules.lam,
        split_hash=split_hash(
            {name: case.telemetry for name, case in cases.items()},
            {name: case.split for name, case in cases.items()},
            rules,
        ),
        default=default,
        series=effects,
    )


def gains(before: Effect, after: Effect, lam: float) -> bool:
    """Utility rises by more than lambda."""
    return after.utility(lam) - before.utility(lam) > lam + TIE


def enough_evidence(case: Case, before: Effect) -> bool:
    """At least one training incident, or three false alarms."""
    return len(case.split.train.incidents) >= MIN_INCIDENTS or before.false_alarms >= MIN_BENIGN


def _contradiction(
    names: Iterable[str],
    default: Setting,
    active: Mapping[str, Mapping[str, object]],
    change: Mapping[str, object],
) -> str | None:
    """Why the change cannot stand beside what is in force, such as a lower limit above an upper one."""
    for name in names:
        try:
            apply(default, {**active.get(name, {}), **change})
        except ValueError as error:
            return f"It contradicts what is in force on {name}: {error}."
    return None


def _compare(
    case: Case, default: Setting, vector: Mapping[str, object], change: Mapping[str, object]
) -> SeriesEffect:
    old, new = apply(default, vector), apply(default, {**vector, **change})
    before, after = case.effect(old), case.effect(new)
    times = case.train_scorer.times
    return SeriesEffect(
        n_incidents=len(case.split.train.incidents),
        n_benign=before.false_alarms,
        d_tp=len(after.hits) - len(before.hits),
        d_fp=after.false_alarms - before.false_alarms,
        lost=len(before.hits - after.hits),
        raises_threshold=new.theta > old.theta,
        start_us=int(times[0]) if times.size else None,
        end_us=int(times[-1]) if times.size else None,
        evidence=describe(gather(case, old)),
    )


def _judge(
    effects: Mapping[str, SeriesEffect], d_utility: float, lam: float, clash: str | None
) -> tuple[Verdict, str]:
    """The verdict and why, in one sentence for the reviewer."""
    if clash:
        return "impossible", clash
    samples = [effect for effect in effects.values() if effect.start_us is not None]
    if not samples:
        return "impossible", "There are no samples to replay: the training slice is empty."
    incidents = sum(effect.n_incidents for effect in samples)
    benign = sum(effect.n_benign for effect in samples)
    if incidents < MIN_INCIDENTS and benign < MIN_BENIGN:
        return "impossible", (
            f"Too little evidence: {incidents} incidents and {benign} benign alarms in the training slice; "
            f"it takes {MIN_INCIDENTS} incident or {MIN_BENIGN} benign alarms."
        )
    deaf = sorted(
        name for name, effect in effects.items() if effect.raises_threshold and not effect.has_evidence
    )
    if deaf:
        return "failed", (
            f"It raises the threshold on {len(deaf)} series without an incident and with fewer than "
            f"{MIN_BENIGN} benign alarms, such as {deaf[0]}."
        )
    lost = sum(effect.lost for effect in samples)
    if lost:
        return "failed", f"It loses {lost} detected incident{'s' if lost > 1 else ''}; none may be lost."
    return _weigh(d_utility, lam)


def _weigh(d_utility: float, lam: float) -> tuple[Verdict, str]:
    """The verdict on a change that has evidence and loses nothing: does it gain enough?"""
    moved = f"Utility {'rises' if d_utility >= 0 else 'falls'} by {abs(d_utility):.2f}"
    if d_utility > lam + TIE:
        return "passed", f"{moved}, more than lambda ({lam:.2f}), and no incident is lost."
    return "failed", f"{moved}; it must rise by more than lambda ({lam:.2f})."
