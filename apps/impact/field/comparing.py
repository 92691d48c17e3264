"""Before and after an action, by its declared metric: from incidents to an estimate. Reads only."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.actions.models import Metric
from apps.analysis import counts, durations, effects, remediation, severity
from apps.common.canonical import digest
from apps.common.times import iso_us

from . import controls, facts, planning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from apps.actions.models import ActionItem
    from apps.analysis.effects import Estimate
    from apps.analysis.fieldwindows import Span

    from .facts import Duration, Facts
    from .planning import Plan

MAX_LISTED = 500  # incidents that a report names; all of them count


@dataclass(frozen=True)
class FieldMeasurement:
    """An estimate with what it rests on. `compared` are the counts of each control, or None."""

    estimate: Estimate
    plan: Plan
    facts: Facts
    figures: dict[str, dict[str, Any]]
    compared: list[dict[str, Any]] | None
    complete: bool
    counted_days: float
    seconds: float

    @property
    def excluded(self) -> dict[str, int]:
        """How many incidents (and services without any) were left out, by reason."""
        return {reason: n for reason, n in sorted(self.facts.excluded.items()) if n}

    @property
    def split_hash(self) -> str:
        """Of what is compared with what: services, weeks, controls."""
        windows = self.plan.windows
        return digest(
            {
                "services": list(self.plan.services),
                "before": _dates(windows.before),
                "after": _dates(windows.after),
                "controls": None if self.compared is None else [one["service"] for one in self.compared],
            }
        )

    @property
    def data_hash(self) -> str:
        """Of every incident that counted, with its version, and of the controls' counts."""
        rows = [*self.facts.before, *self.facts.after]
        return digest(
            {
                "incidents": [row.told() for row in rows],
                "controls": self.compared,
                "figures": self.figures,
            }
        )

    def report(self) -> dict[str, Any]:
        """What a verdict keeps of it, as plain values."""
        windows = self.plan.windows
        return {
            "services": list(self.plan.services),
            "windows": {
                "before": _dates(windows.before),
                "left_out": _dates(windows.left_out),
                "after": _dates(windows.after),
                "days": round(self.counted_days, 3),
            },
            "trigger": self.plan.trigger,
            "complete": self.complete,
            "before": self.figures["before"],
            "after": self.figures["after"],
            "controls": self.compared,
            "incidents": {
                "before": [row.incident for row in self.facts.before[:MAX_LISTED]],
                "after": [row.incident for row in self.facts.after[:MAX_LISTED]],
            },
            "excluded": self.excluded,
        }


def measure(action: ActionItem, *, now: datetime, looks: int) -> FieldMeasurement:
    """Compare the weeks before an action with those after it that have passed by `now`.

    Interval and p are those of a single look; power and smallest effect are those at the stricter bound that
    so many `looks` leave.
    """
    began = time.perf_counter()
    plan = planning.plan(action)
    found = facts.read(plan.services, plan.windows, now)
    compared = _controls(action, plan, now) if action.metric == Metric.INCIDENT_COUNT else None
    asked = _Asked(action, found, plan, compared, now, effects.ALPHA)
    compare = _COMPARE[Metric(action.metric)]
    estimate, figures = compare(asked)
    if looks > 1:
        stricter, _ = compare(replace(asked, alpha=effects.ALPHA / looks))
        estimate = replace(estimate, power=stricter.power, smallest=stricter.smallest)
    if compared:
        silent = sum(one["before"] + one["after"] == 0 for one in compared)
        found.excluded.update({"silent_controls": silent} if silent else {})
    return FieldMeasurement(
        estimate=replace(estimate, excluded=sum(found.excluded.values())),
        plan=plan,
        facts=found,
        figures=figures,
        compared=compared,
        complete=now >= plan.complete_at,
        counted_days=plan.windows.before.days + plan.windows.after.until(now).days,
        seconds=time.perf_counter() - began,
    )


Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Asked:
    """One question to a method."""

    action: ActionItem
    facts: Facts
    plan: Plan
    compared: list[dict[str, Any]] | None
    now: datetime
    alpha: float


def _controls(action: ActionItem, plan: Plan, now: datetime) -> list[dict[str, Any]]:
    found = controls.counts(controls.unaffected(action, plan), plan.windows, now)
    return [{"service": name, "before": one.before, "after": one.after} for name, one in found.items()]


def _counts(asked: _Asked) -> tuple[Estimate, Figures]:
    action, found = asked.action, asked.facts
    windows = asked.plan.windows
    days = windows.before.days, windows.after.until(asked.now).days
    treated = counts.Counts2(len(found.before), days[0], len(found.after), days[1])
    others = [counts.Counts2(one["before"], days[0], one["after"], days[1]) for one in asked.compared or []]
    estimate = counts.difference_in_differences(
        treated, others, smallest_effect=action.smallest_effect, alpha=asked.alpha
    )
    return estimate, {
        "before": {"incidents": len(found.before), "days": round(days[0], 3)},
        "after": {"incidents": len(found.after), "days": round(days[1], 3)},
    }


def _durations(asked: _Asked) -> tuple[Estimate, Figures]:
    action, found = asked.action, asked.facts
    before, after = (durations_of(row.resolve for row in side) for side in (found.before, found.after))
    found.excluded["unknown"] = len(found.before) + len(found.after) - len(before) - len(after)
    estimate = durations.compare(
        before, after, smallest_effect=action.smallest_effect, alpha=asked.alpha, test=_test(action)
    )
    return estimate, {
        name: {
            "incidents": len(side),
            "open": len(side) - side.ended,
            "median_s": durations.median_s(side),
        }
        for name, side in (("before", before), ("after", after))
    }


def _test(action: ActionItem) -> durations.Test | None:
    if action.test == "welch_log":
        return "welch_log"
    return "log_rank" if action.test == "log_rank" else "permutation" if action.test else None


def _severity(asked: _Asked) -> tuple[Estimate, Figures]:
    action, found = asked.action, asked.facts
    sides = [
        [row.severity for row in side if row.severity is not None] for side in (found.before, found.after)
    ]
    unknown = len(found.before) + len(found.after) - sum(len(side) for side in sides)
    found.excluded["unknown"] = unknown
    ranks = [[value + 1 for value in side] for side in sides]  # from 1, the worst
    estimate = severity.shift(ranks[0], ranks[1], smallest_effect=action.smallest_effect, alpha=asked.alpha)
    return estimate, {
        name: {"incidents": len(side), "severities": levels(side)}
        for name, side in zip(("before", "after"), sides, strict=True)
    }


def levels(side: Iterable[int]) -> dict[str, int]:
    """Incidents by severity, the worst first."""
    return {f"SEV-{level}": n for level, n in sorted(Counter(side).items())}


def _remediation(asked: _Asked) -> tuple[Estimate, Figures]:
    action, found = asked.action, asked.facts
    sides = [[row.tried for row in side if row.tried is not None] for side in (found.before, found.after)]
    found.excluded["unknown"] = len(found.before) + len(found.after) - sum(len(side) for side in sides)
    tries = [
        remediation.Tries(len(side), sum(one.attempted for one in side), sum(one.succeeded for one in side))
        for side in sides
    ]
    estimate = remediation.compare(
        tries[0], tries[1], smallest_effect=action.smallest_effect, alpha=asked.alpha
    )
    return estimate, {
        name: {
            "incidents": one.eligible,
            "attempted": one.attempted,
            "succeeded": one.succeeded,
            **{f"of_{base}": _share(one, base) for base in ("eligible", "attempted")},
        }
        for name, one in zip(("before", "after"), tries, strict=True)
    }


def _share(tries: remediation.Tries, base: Any) -> dict[str, float | None]:
    found = remediation.share(tries, base)
    return {"share": found.estimate, "low": found.low, "high": found.high}


def durations_of(known: Iterable[Duration | None]) -> durations.Durations:
    """Those that are known, as arrays."""
    rows = [row for row in known if row is not None]
    return durations.Durations(
        np.array([row.seconds for row in rows], dtype=np.float64),
        np.array([row.closed for row in rows], dtype=np.bool_),
    )


def _dates(span: Span) -> list[str]:
    return [iso_us(span.start), iso_us(span.end)]


_COMPARE: dict[Metric, Callable[[_Asked], tuple[Estimate, Figures]]] = {
    Metric.INCIDENT_COUNT: _counts,
    Metric.TIME_TO_RESOLVE: _durations,
    Metric.SEVERITY: _severity,
    Metric.REMEDIATION: _remediation,
}
