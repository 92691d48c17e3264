"""The incidents that a field comparison counts, and those that it leaves out with the reason. Reads only."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from apps.analysis.fieldwindows import Span
from apps.incidents import attempts
from apps.incidents.codes import VOID, Kind, Origin, State, TimeKind
from apps.incidents.metrics import WIDTH_S
from apps.incidents.models import Incident

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from apps.analysis.fieldwindows import FieldWindows

STILL_OPEN = frozenset({State.TRIAGE, State.INVESTIGATING, State.IDENTIFIED, State.MITIGATED})
KNOWN_AFTER = attempts.CLOSED_WITHIN + attempts.STAYS_CLOSED
_SEVERITY = re.compile(r"SEV-(\d)")


@dataclass(frozen=True)
class Duration:
    """Seconds an incident lasted, or has lasted so far where it is not `closed`."""

    seconds: float
    closed: bool


@dataclass(frozen=True)
class Fact:
    """One incident as comparisons use it; None where it is not known. `severity`: lower hurts more."""

    incident: int
    version: int
    service: str
    at: datetime
    severity: int | None
    resolve: Duration | None
    detect: Duration | None
    acknowledge: Duration | None
    tried: attempts.Tried | None

    def told(self) -> list[object]:
        """What goes into the hash of the data."""
        return [self.incident, self.version, self.service, self.at.isoformat(), self.severity]


@dataclass(frozen=True)
class Facts:
    """Incidents before and after, and by reason how many were left out."""

    before: list[Fact]
    after: list[Fact]
    excluded: Counter[str] = field(default_factory=Counter)


def read(services: Collection[str], windows: FieldWindows, now: datetime) -> Facts:
    """Incidents of these services around an action; three queries and those of the prefetches.

    Drills, hold-out incidents, near misses and incidents of others are refused, and so is what fell between
    the two windows. Declined, canceled and merged ones were no incidents of their own: they count nowhere.
    """
    facts = Facts([], [])
    whole = Span(windows.before.start, windows.after.end).until(now)
    for incident in of_services(services, whole):
        reason = _refused(incident)
        if reason:
            facts.excluded[reason] += 1
        elif windows.before.holds(incident.occurred_at):
            facts.before.append(fact(incident, now))
        elif windows.after.holds(incident.occurred_at):
            facts.after.append(fact(incident, now))
        else:
            facts.excluded["between"] += 1
    return facts


def of_services(services: Collection[str] | None, span: Span) -> list[Incident]:
    """Incidents that occurred in a stretch of time, with all that a `Fact` reads; None: of every service."""
    found = Incident.objects.filter(occurred_at__gte=span.start, occurred_at__lt=span.end).exclude(
        state__in=VOID
    )
    if services is not None:
        found = found.filter(service__slug__in=services)
    return list(found.with_times().prefetch_related("attempts", "events").order_by("occurred_at", "pk"))


def fact(incident: Incident, now: datetime) -> Fact:
    """What one incident tells; costs no query after `of_services`."""
    return Fact(
        incident=incident.pk,
        version=incident.version,
        service=incident.service.slug,
        at=incident.occurred_at,
        severity=severity_number(incident.severity.code),
        resolve=_lasted(incident, TimeKind.IMPACT_START, TimeKind.RESOLVED, now),
        detect=_between(incident, TimeKind.IMPACT_START, TimeKind.DETECTED),
        acknowledge=_between(incident, TimeKind.DETECTED, TimeKind.ACKNOWLEDGED),
        tried=attempts.success_of(incident) if _outcome_known(incident, now) else None,
    )


def severity_number(code: str) -> int | None:
    """2 for `SEV-2`; None for what nobody has judged yet."""
    found = _SEVERITY.fullmatch(code)
    return int(found[1]) if found else None


def _refused(incident: Incident) -> str:
    if incident.origin != Origin.OWN:
        return "of_others"
    if incident.kind != Kind.INCIDENT:
        return "near_misses"
    if incident.is_drill:
        return "drills"
    return "hold_out" if incident.is_holdout else ""


def _lasted(incident: Incident, first: TimeKind, last: TimeKind, now: datetime) -> Duration | None:
    """An incident that is still open has lasted so far; one that is over without a time tells nothing."""
    closed = _between(incident, first, last)
    start = incident.time(first).at
    if closed is not None or start is None or incident.state not in STILL_OPEN or start > now:
        return closed
    return Duration((now - start).total_seconds(), closed=False)


def _between(incident: Incident, first: TimeKind, last: TimeKind) -> Duration | None:
    """At least as long as the coarser of the two times is known: an alarm before the impact took no time."""
    start, end = incident.time(first), incident.time(last)
    if start.at is None or end.at is None:
        return None
    least = max(WIDTH_S[start.precision], WIDTH_S[end.precision])
    return Duration(max((end.at - start.at).total_seconds(), float(least)), closed=True)


def _outcome_known(incident: Incident, now: datetime) -> bool:
    ended = incident.time(TimeKind.RESOLVED).at or incident.time(TimeKind.MITIGATED).at
    if ended is not None:
        return now >= ended + attempts.STAYS_CLOSED
    return now >= incident.occurred_at + KNOWN_AFTER
