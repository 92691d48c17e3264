"""How much has to happen until an effect shows, at the installation's own spread and pace. Reads only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Q
from django.utils import timezone

from apps.actions.models import Metric
from apps.analysis import counts, paired, power
from apps.analysis.fieldwindows import Span
from apps.catalog.models import Service
from apps.incidents.models import Incident

from . import phrases
from .field import facts
from .field.comparing import durations_of
from .models import Verdict

if TYPE_CHECKING:
    from datetime import datetime

YEAR = timedelta(days=365)
OWN_SPREAD_FROM = 20
"""Closed incidents below which an own standard deviation says less than the published one."""
STEPS = (10, 20, 30, 50)
QUESTIONS = {
    Metric.TIME_TO_RESOLVE: "Incidents are over sooner",
    Metric.INCIDENT_COUNT: "There are fewer incidents",
    Metric.REMEDIATION: "Automation ends more of them",
    Metric.FALSE_ALARMS: "There are fewer false alarms",
}
MOST_BLOCKS = 5000


@dataclass(frozen=True)
class Answer:
    """`needed` of `unit`, None where no number would do. `weeks`: at the pace so far, None where unknown.

    `spread`: in words, whose spread it is. `table`: the same for other effects, (per cent, needed).
    """

    question: str
    effect: str
    needed: int | None
    unit: str
    weeks: int | None
    pace: str
    spread: str
    table: list[tuple[int, int | None]]


@dataclass(frozen=True)
class _Basis:
    """What a question rests on here: a plan of the statistics, how many a week, and in words."""

    plan: power.Plan
    a_week: float | None
    pace: str
    spread: str


def answer(metric: str, percent: int, service: str = "", *, now: datetime | None = None) -> Answer:
    """What it takes to find an effect of `percent` (a reduction; or points) four times in five."""
    moment = now or timezone.now()
    asked = Metric(metric)
    basis = _BASES[asked](service, moment)
    needed = _needed(basis.plan, percent)
    return Answer(
        question=QUESTIONS[asked],
        effect=phrases.size(asked, percent / 100),
        needed=needed,
        unit=basis.plan.unit,
        weeks=_weeks(needed, basis.a_week),
        pace=basis.pace,
        spread=basis.spread,
        table=[(step, _needed(basis.plan, step)) for step in STEPS],
    )


def _needed(plan: power.Plan, percent: int) -> int | None:
    try:
        return power.needed(plan, effect=percent / 100)
    except ValueError:  # such a share does not fit beside the one there is
        return None


def _weeks(needed: int | None, a_week: float | None) -> int | None:
    if needed is None or not a_week:
        return None
    return math.ceil(needed / a_week)


def _year(service: str, now: datetime) -> list[facts.Fact]:
    span = Span(now - YEAR, now)
    rows = facts.of_services([service] if service else None, span)
    counted = set(Incident.objects.counted().filter(occurred_at__gte=span.start).values_list("pk", flat=True))
    return [facts.fact(row, now) for row in rows if row.pk in counted]


def _a_week(rows: list[facts.Fact], now: datetime) -> tuple[float | None, str]:
    if not rows:
        return None, "No incident of the last year is known here, so there is no pace to go by."
    days = max(7.0, (now - rows[0].at) / timedelta(days=1))
    rate = len(rows) / days * 7
    return rate, f"{phrases.counted(len(rows), ('incident', 'incidents'))} in the last {days:.0f} days."


def _durations(service: str, now: datetime) -> _Basis:
    rows = _year(service, now)
    known = durations_of(row.resolve for row in rows)
    rate, pace = _a_week(rows, now)
    logs = known.logs[known.closed]
    if logs.size >= OWN_SPREAD_FROM and float(logs.std(ddof=1)) > 0:
        spread = float(logs.std(ddof=1))
        words = (
            f"Your own: the logarithms of {logs.size} durations have a standard deviation of {spread:.2f}."
        )
    else:
        spread = power.SD_LN
        words = (
            f"Published: {power.SD_LN} (355 public postmortems); {logs.size} durations of your own are too "
            f"few, {OWN_SPREAD_FROM} are needed."
        )
    return _Basis(power.Durations(sd_ln=spread), rate, pace, words)


def _counts(service: str, now: datetime) -> _Basis:
    rows = _year(service, now)
    rate, pace = _a_week(rows, now)
    controls = _untouched(service, now)
    words = (
        f"{phrases.counted(controls, ('service', 'services'))} of the same tier with an incident to compare "
        f"with; {counts.SIGNIFICANT_FROM} are needed to tell at all."
    )
    return _Basis(power.Counts(controls=controls), rate, pace, words)


def _untouched(service: str, now: datetime) -> int:
    recent = Count("incidents", filter=Q(incidents__occurred_at__gte=now - YEAR), distinct=True)
    busy = Service.objects.annotate(recent=recent).filter(recent__gt=0)
    if service:
        own = Service.objects.filter(slug=service).first()
        busy = busy.exclude(slug=service).filter(tier=own.tier_id if own else None, tier__isnull=False)
        return busy.count()
    largest = busy.filter(tier__isnull=False).values("tier").annotate(n=Count("pk")).order_by("-n").first()
    return int(largest["n"]) - 1 if largest else 0


def _automation(service: str, now: datetime) -> _Basis:
    rows = _year(service, now)
    rate, pace = _a_week(rows, now)
    tried = [row.tried for row in rows if row.tried is not None]
    succeeded = sum(one.succeeded for one in tried)
    base = succeeded / len(tried) if tried else 0.0
    words = (
        f"Automation ended {succeeded} of {phrases.counted(len(tried), ('incident', 'incidents'))} so far."
    )
    return _Basis(power.Shares(base=base, unit="incidents on each side"), rate, pace, words)


@dataclass(frozen=True)
class ServiceDays:
    """Service-days with a false alarm, of which a share loses all: how replays are judged."""

    unit: str = "service-days with a false alarm"

    def power(self, effect: float, n: int, alpha: float) -> float:
        """The chance of the very test that judges replays; 1 beyond what is worth simulating."""
        if n > MOST_BLOCKS:
            return 1.0
        return paired.block_power([(1, 1)] * n, effect, alpha=alpha)


def _false_alarms(service: str, now: datetime) -> _Basis:
    del now
    replayed = Verdict.objects.replayed().filter(metric=Metric.FALSE_ALARMS)
    newest = replayed.order_by("-pk").values_list("report", flat=True).first()
    words = "One false alarm on each such day; a day loses all of its alarms or none."
    if newest is None:
        return _Basis(ServiceDays(), None, "Nothing was replayed yet, so there is no pace to go by.", words)
    blocks = [one for one in newest["service_days"] if one["before"] and service in {"", one["service"]}]
    days = float(newest["longest_days"])
    rate = len(blocks) / days * 7 if days else None
    pace = f"{phrases.counted(len(blocks), ('such day', 'such days'))} in the {days:.0f} days replayed last."
    return _Basis(ServiceDays(), rate, pace, words)


_BASES = {
    Metric.TIME_TO_RESOLVE: _durations,
    Metric.INCIDENT_COUNT: _counts,
    Metric.REMEDIATION: _automation,
    Metric.FALSE_ALARMS: _false_alarms,
}
