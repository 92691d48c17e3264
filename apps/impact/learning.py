"""Metrics of learning itself: how soon reviews follow, what is done of them, and how reliable things became.

Dates are days in UTC, both ends included. Nothing here is averaged over what is not known: an incident that
is still open, or not reviewed yet, has lasted at least so long and is censored (Kaplan-Meier).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import Min
from django.utils import timezone

from apps.actions.models import ActionItem, State
from apps.analysis import medians
from apps.analysis.durations import Durations
from apps.analysis.fieldwindows import Span
from apps.common.errors import InvalidInputError
from apps.incidents.codes import Kind, Origin, TimeKind
from apps.postmortems.models import Postmortem

from . import quarters, reliability
from .field import facts

if TYPE_CHECKING:
    from apps.incidents.models import Incident

TARGET = timedelta(days=14)
"""A review within this time after the incident was over counts as on time."""
DAY_S = 86400.0
LONGEST = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def span(self) -> Span:
        return Span(quarters.moment(self.first), quarters.moment(self.last + timedelta(days=1)))


def period(first: date | None, last: date | None, *, today: date) -> Period:
    """The days that were asked for; by default the quarter of `today` and the three before it.

    Raises:
        InvalidInputError: they are not in order, or more than three years.
    """
    end = last or today
    start = first or quarters.of(end).before().before().before().start
    if start > end:
        raise InvalidInputError(
            f"{start} comes after {end}.", field="from", remedy="Give the earlier day as from."
        )
    if end - start > LONGEST:
        raise InvalidInputError("At most three years at once.", field="from", remedy="Ask for fewer days.")
    return Period(start, end)


def metrics(asked: Period, *, now: datetime | None = None) -> dict[str, Any]:
    """Everything, as plain values; a fixed number of queries."""
    moment = now or timezone.now()
    return {
        "from": asked.first.isoformat(),
        "to": asked.last.isoformat(),
        "reviews": _reviews(asked, moment),
        "actions": _actions(asked, moment.date()),
        "reliability": reliability.by_quarter(asked.first, asked.last, now=moment),
    }


def _reviews(asked: Period, now: datetime) -> dict[str, Any]:
    filed = Postmortem.objects.exclude(kind=Postmortem.Kind.TEXT).filter(
        amends=None, created_at__gte=asked.span.start, created_at__lt=asked.span.end
    )
    moments = list(filed.values_list("created_at", flat=True))
    incidents = [one for one in facts.of_services(None, asked.span) if _counted(one)]
    first = dict(
        Postmortem.objects.exclude(kind=Postmortem.Kind.TEXT)
        .filter(incident__in=[one.pk for one in incidents])
        .values_list("incident")
        .annotate(first=Min("created_at"))
    )
    waits = [_waited(one, first.get(one.pk), now) for one in incidents]
    over = [wait for wait in waits if wait is not None]
    judged = [one for one in over if one.closed or one.seconds >= TARGET.total_seconds()]
    on_time = sum(one.closed and one.seconds <= TARGET.total_seconds() for one in judged)
    days = medians.median(
        Durations(
            np.array([one.seconds for one in over], dtype=np.float64),
            np.array([one.closed for one in over], dtype=np.bool_),
        )
    )
    return {
        "filed": len(moments),
        "per_month": _per_month(asked, moments),
        "incidents": len(incidents),
        "incidents_over": len(over),
        "reviewed": sum(one.closed for one in over),
        "target_days": TARGET.days,
        "within_target": {"n": len(judged), "on_time": on_time, "share": _share(on_time, len(judged))},
        "days_to_review": _in_days(days),
    }


def _counted(incident: Incident) -> bool:
    flags = incident.is_drill or incident.is_holdout
    return not flags and incident.origin == Origin.OWN and incident.kind == Kind.INCIDENT


def _waited(incident: Incident, reviewed_at: datetime | None, now: datetime) -> facts.Duration | None:
    """From the end of an incident to its first review, or so far; None while it is not over."""
    times = incident.times_by_kind()
    ends = [times[kind].at for kind in (TimeKind.RESOLVED, TimeKind.MITIGATED) if kind in times]
    end = next((at for at in ends if at is not None), None)
    if end is None:
        return None
    until = reviewed_at or now
    return facts.Duration(max(0.0, (until - end).total_seconds()), closed=reviewed_at is not None)


def _per_month(asked: Period, moments: list[datetime]) -> list[dict[str, Any]]:
    found = Counter((at.year, at.month) for at in moments)
    months = []
    year, month = asked.first.year, asked.first.month
    while (year, month) <= (asked.last.year, asked.last.month):
        months.append({"month": f"{year}-{month:02}", "reviews": found[year, month]})
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004
    return months


def _actions(asked: Period, today: date) -> dict[str, Any]:
    opened = ActionItem.objects.filter(created_at__gte=asked.span.start, created_at__lt=asked.span.end)
    states = Counter(opened.values_list("state", flat=True))
    done = states[State.DONE]
    due = ActionItem.objects.filter(due_on__gte=asked.first, due_on__lte=asked.last)
    rows = due.values_list("state", "due_on", "done_at")
    said = Counter(_by_due(state, day, done_at, today) for state, day, done_at in rows)
    judged = said["on_time"] + said["late"] + said["overdue"]
    return {
        "opened": sum(states.values()),
        "done": done,
        "rate": _share(done, sum(states.values())),
        "given_up": states[State.NOT_DOING] + states[State.CANCELLED],
        "due": {
            "n": sum(said.values()),
            **{name: said[name] for name in ("on_time", "late", "overdue", "not_due_yet", "given_up")},
            "on_time_share": _share(said["on_time"], judged),
        },
    }


def _by_due(state: str, day: date, done_at: datetime | None, today: date) -> str:
    if state == State.DONE and done_at is not None:
        return "on_time" if done_at.date() <= day else "late"
    if state in {State.NOT_DOING, State.CANCELLED}:
        return "given_up"
    return "overdue" if day < today else "not_due_yet"


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _in_days(found: medians.Median) -> dict[str, Any]:
    bounds = {"median": found.median, "low": found.low, "high": found.high}
    return {
        **{name: None if value is None else round(value / DAY_S, 4) for name, value in bounds.items()},
        "n": found.n,
        "not_reviewed": found.open,
    }
