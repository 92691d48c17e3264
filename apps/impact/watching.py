"""The prospective test: what is served is replayed every day, with it and without it, and harm withdraws it.

Telemetry counts from the moment at which the revision began to be served, so nothing was chosen by it. A day
is read once it is over and settled, service by service, and never again; a look adds up the days so far.
Labels of the hold-out and of drills do not exist here: a withdrawal changes what is served, and they must
not. Because it is looked at every day, the test is one that may be (`analysis.prospective`, ADR 0002).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.analysis import prospective
from apps.common.canonical import digest
from apps.common.code import code_id
from apps.common.errors import DomainError
from apps.evaluation import daily
from apps.features import releases
from apps.features.models import Release
from apps.insights import arms, composition, stopping
from apps.insights.models import Insight
from apps.insights.services import note_finding

from .models import WatchDay, WatchLook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from apps.analysis.prospective import Prospect

log = structlog.get_logger(__name__)
Decision = WatchLook.Decision
METHOD = "always-valid sequence over days: normal mixture of what a day pays, coin tosses of lost incidents"
SOURCE = "prospective"


@dataclass(frozen=True)
class Period:
    """A revision served without a break since one release."""

    insight: Insight
    revision: int
    release: int
    since: datetime


def watch_all(now: datetime | None = None) -> int:
    """Look at every served insight; how many looks were new. Safe to run twice, or two at a time.

    One that fails is logged and looked at again the next time; it keeps no other from being looked at.
    """
    moment, looks = now or timezone.now(), 0
    served = Insight.objects.filter(active_revision__isnull=False).order_by("pk")
    for insight_id in served.values_list("pk", flat=True):
        try:
            looks += watch(insight_id, now=moment) is not None
        except (DatabaseError, DomainError):
            log.exception("insight_watch_failed", insight=insight_id)
    return looks


def watch(insight_id: int, *, now: datetime) -> WatchLook | None:
    """Read the days that have settled and look; None if nothing new has settled, or it is not served."""
    insight = Insight.objects.filter(pk=insight_id, active_revision__isnull=False).first()
    period = served_since(insight) if insight is not None else None
    if period is None or not _read(period, now):
        return None
    return _look(period)


def served_since(insight: Insight) -> Period | None:
    """Since which release the active revision is served without a break; None while nothing is served."""
    if insight.active_revision is None:
        return None
    entry = [{"insight": insight.pk, "revision": insight.active_revision}]
    before = Release.objects.exclude(manifest__contains=entry).order_by("-number").first()
    first = Release.objects.filter(number__gt=before.number if before else 0).order_by("number").first()
    if first is None:
        return None
    return Period(insight, insight.active_revision, first.number, first.known_at)


def _read(period: Period, now: datetime) -> bool:
    """Keep the service-days that have settled since; is there one that no look has seen?"""
    read: dict[str, set[date]] = defaultdict(set)
    days = daily.ripe(period.since, now, now)
    seen = WatchDay.objects.filter(insight=period.insight, release=period.release)
    for service, day in seen.values_list("service", "day"):
        read[service].add(day)
    services = {series_id.partition("/")[0] for series_id in composition.covered(period.insight)}
    both = arms.of_served(period.insight)
    named = {"insight": period.insight, "revision": period.revision, "release": period.release}
    for service in sorted(services):  # kept service by service: a task that is cut short loses one
        wanted = {service: [day for day in days if day not in read[service]]}
        found = daily.service_days(both, wanted, start=period.since, end=now)
        rows = [WatchDay(**named, **asdict(day)) for day in found]
        WatchDay.objects.bulk_create(rows, ignore_conflicts=True)
    newest = seen.order_by("-day").values_list("day", flat=True).first()
    if newest is None:
        return False
    looked = WatchLook.objects.filter(insight=period.insight, release=period.release, through=newest)
    return not looked.exists()


@transaction.atomic
def _look(period: Period) -> WatchLook | None:
    """Add up the days so far, keep the look, and withdraw what does harm: all of it or nothing."""
    releases.lock()
    insight = Insight.objects.select_for_update(of=("self",)).get(pk=period.insight.pk)
    rows = list(WatchDay.objects.filter(insight=insight, release=period.release).order_by("day", "service"))
    kept = WatchLook.objects.filter(insight=insight, release=period.release, through=rows[-1].day)
    if insight.active_revision != period.revision or kept.exists():
        return None
    found = prospect_of(rows)
    look = WatchLook(
        insight=insight,
        revision=period.revision,
        release=period.release,
        through=rows[-1].day,
        days=found.days,
        n=found.n,
        false_before=sum(row.false_before for row in rows),
        false_after=sum(row.false_after for row in rows),
        incidents=sum(row.incidents for row in rows),
        gained=sum(row.gained for row in rows),
        lost=sum(row.lost for row in rows),
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=found.p,
        lost_p=found.lost_p,
        decision=_decision(found),
        method=METHOD,
        data_hash=digest([[row.service, row.day.isoformat(), row.data_hash] for row in rows]),
        code=code_id(),
    )
    if look.decision in (Decision.WORSE, Decision.LOSING):
        release = stopping.withdraw_tested(
            insight_id=insight.pk, revision=period.revision, reason=reason(look)
        )
        look.withdrawn_by = release.number if release else None
    look.save()
    _note(look)
    return look


def prospect_of(rows: Sequence[WatchDay]) -> Prospect:
    """Where the sequence stands after these service-days; those of one day are one block."""
    by_day: dict[date, float] = defaultdict(float)
    for row in rows:
        by_day[row.day] += prospective.paid(row.false_before, row.false_after, row.gained, row.lost)
    return prospective.prospect(
        [by_day[day] for day in sorted(by_day)],
        gained=sum(row.gained for row in rows),
        lost=sum(row.lost for row in rows),
    )


def reason(look: WatchLook) -> str:
    """Why it is withdrawn, with the figures."""
    if look.decision == Decision.LOSING:
        return (
            f"Of {look.incidents} incidents since release {look.release}, {look.lost} were missed that would "
            f"have been caught without it, and {look.gained} the other way round; always-valid p = "
            f"{look.lost_p:.2g}. {METHOD}."
        )
    return (
        f"On {look.n} of {look.days} days since release {look.release} it made a difference: "
        f"{look.false_after} false alarms with it, {look.false_before} without, {look.gained} incidents "
        f"gained and {look.lost} lost. A day pays {look.effect:+.2f} false alarms for it, always-valid "
        f"97.5 % interval {look.low:+.2f} to {look.high:+.2f}. {METHOD}."
    )


def _decision(found: Prospect) -> Decision:
    if found.losing:
        return Decision.LOSING
    if found.worse:
        return Decision.WORSE
    if found.effect is None:
        return Decision.TOO_FEW
    return Decision.BETTER if found.better else Decision.WATCHING


def _note(look: WatchLook) -> None:
    """Hand what the sequence showed to the insight's confidence, the first time that it shows it."""
    if look.decision not in (Decision.BETTER, Decision.WORSE, Decision.LOSING):
        return
    outcome = "improved" if look.decision == Decision.BETTER else "worse"
    note_finding(
        look.insight,
        source=SOURCE,
        reference=f"watch:{look.insight_id}:{look.release}:{outcome}",
        outcome=outcome,
        effect=look.effect,
        low=look.low,
        high=look.high,
        p=look.lost_p if look.decision == Decision.LOSING else look.p,
        n=look.n or look.lost,
        method=METHOD,
        split_hash=look.data_hash,
    )
