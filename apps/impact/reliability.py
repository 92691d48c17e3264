"""Time to detect, time to recover and severity by quarter, and whether a quarter differs from the one before.

The three questions of a quarter are asked together, so their p-values are adjusted (Benjamini-Hochberg).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.analysis import durations, effects, medians, multiplicity, severity
from apps.analysis.fieldwindows import Span
from apps.incidents.codes import Kind, Origin

from . import quarters
from .field import facts
from .field.comparing import durations_of, levels

if TYPE_CHECKING:
    from datetime import date, datetime

    from apps.analysis.effects import Estimate

    from .field.facts import Fact
    from .quarters import Quarter

SMALLEST_CUT = 0.3
"""Of a duration: what a quarter is expected to be able to show, for power."""
SMALLEST_SHIFT = 0.2
"""Of the share of pairs that are milder."""
DURATIONS = {"mttd": "detect", "mtta": "acknowledge", "mttr": "resolve"}
TESTED = ("mttd", "mttr", "severity")


def by_quarter(first: date, last: date, *, now: datetime | None = None) -> list[dict[str, Any]]:
    """Every quarter of the days asked for, the oldest first, each with tests against the one before it."""
    moment = now or timezone.now()
    found = quarters.between(first, last)
    rows = _facts(Span(found[0].before().start_at, found[-1].end_at), moment)
    return [_quarter(one, rows, moment) for one in found]


def _facts(span: Span, now: datetime) -> list[Fact]:
    return [
        facts.fact(one, now)
        for one in facts.of_services(None, span)
        if one.origin == Origin.OWN and one.kind == Kind.INCIDENT and not (one.is_drill or one.is_holdout)
    ]


def _quarter(quarter: Quarter, rows: list[Fact], now: datetime) -> dict[str, Any]:
    here, earlier = ([row for row in rows if _in(row, one)] for one in (quarter, quarter.before()))
    known = [row.severity for row in here if row.severity is not None]
    return {
        "quarter": quarter.name,
        "from": quarter.start.isoformat(),
        "whole": now >= quarter.end_at,
        "incidents": len(here),
        **{name: _median(here, field) for name, field in DURATIONS.items()},
        "severity": {**levels(known), "unknown": len(here) - len(known)},
        "against": quarter.before().name,
        "tests": _tests(earlier, here),
    }


def _in(row: Fact, quarter: Quarter) -> bool:
    return quarter.start_at <= row.at < quarter.end_at


def _median(rows: list[Fact], field: str) -> dict[str, Any]:
    found = medians.median(durations_of(getattr(row, field) for row in rows))
    return {
        "median_s": found.median,
        "low_s": found.low,
        "high_s": found.high,
        "n": found.n,
        "open": found.open,
        "excluded": len(rows) - found.n,
    }


def _tests(earlier: list[Fact], here: list[Fact]) -> dict[str, Any]:
    estimates = {
        "mttd": _durations(earlier, here, "detect"),
        "mttr": _durations(earlier, here, "resolve"),
        "severity": severity.shift(_ranks(earlier), _ranks(here), smallest_effect=SMALLEST_SHIFT),
    }
    tested = [name for name in TESTED if estimates[name].p is not None]
    adjusted = dict(
        zip(
            tested,
            multiplicity.benjamini_hochberg([estimates[name].p or 0.0 for name in tested]),
            strict=True,
        )
    )
    return {name: _told(estimates[name], adjusted.get(name)) for name in TESTED}


def _durations(earlier: list[Fact], here: list[Fact], field: str) -> Estimate:
    before, after = (durations_of(getattr(row, field) for row in side) for side in (earlier, here))
    return durations.compare(before, after, smallest_effect=SMALLEST_CUT)


def _ranks(rows: list[Fact]) -> list[int]:
    return [row.severity + 1 for row in rows if row.severity is not None]


def _told(found: Estimate, adjusted: float | None) -> dict[str, Any]:
    """All three are better when they fall. Where power was too small it is too few data, never green."""
    return {
        "method": found.method,
        "n": found.n,
        "effect": found.effect,
        "interval": [found.low, found.high],
        "p": found.p,
        "p_adjusted": adjusted,
        "power": found.power,
        "minimum_detectable_effect": found.smallest,
        "verdict": effects.outcome(found, better="down", p=adjusted),
        "reason": found.reason,
    }
