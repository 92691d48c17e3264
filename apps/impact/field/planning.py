"""Which services and which weeks a done action is judged by, and when they have passed. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from apps.actions.models import FIELD_METRICS, ActionItem, State
from apps.analysis import fieldwindows
from apps.catalog.models import Service
from apps.common.errors import require
from apps.insights import composition
from apps.insights.models import Insight
from apps.postmortems.models import Postmortem
from apps.telemetry.models import Series

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from apps.analysis.fieldwindows import FieldWindows, Span
    from apps.incidents.models import Incident


@dataclass(frozen=True)
class Plan:
    """What is compared. `trigger`: in words, what the weeks before are counted back from."""

    services: tuple[str, ...]
    windows: FieldWindows
    trigger: str
    trigger_at: datetime

    @property
    def complete_at(self) -> datetime:
        return self.windows.after.end

    @property
    def settling(self) -> Span:
        return self.windows.left_out


def obstacle(action: ActionItem) -> str:
    """Why the field cannot show what a done action did; empty if it can."""
    if action.metric not in FIELD_METRICS:
        return "No metric was declared that the field could show."
    found = services_of(action)
    if not found:
        return "It names no service, so nobody can say whose incidents would tell."
    unknown = sorted(set(found) - set(Service.objects.filter(slug__in=found).values_list("slug", flat=True)))
    if unknown:
        return f"The catalogue has no service {', '.join(unknown)}."
    return ""


def plan(action: ActionItem) -> Plan:
    """Services and windows of a done action.

    Left out is what led to the action: from four weeks before its trigger, the earliest of the incident that
    was reviewed, the incident that its insight was learnt from, and the moment when the action was opened.
    """
    done_at = require(action.done_at, "the time of a done action")
    candidates = [(incident.occurred_at, f"incident {incident.pk}") for incident in _triggers(action)]
    trigger_at, trigger = min([*candidates, (action.created_at, "the day on which the action was opened")])
    windows = fieldwindows.of(min(trigger_at, done_at), done_at, action.settle_days, action.window_days)
    return Plan(tuple(services_of(action)), windows, trigger, trigger_at)


def complete_at(action: ActionItem) -> datetime:
    """When the weeks after a done action are over; no query."""
    done_at = require(action.done_at, "the time of a done action")
    return done_at + timedelta(days=action.settle_days + action.window_days)


def services_of(action: ActionItem) -> list[str]:
    """The declared population, else the action's service, else the services that its insight speaks for."""
    named = action.population.get("services") if isinstance(action.population, dict) else None
    if named:
        return sorted(set(named))
    if action.service is not None:
        return [action.service.slug]
    insight = Insight.objects.filter(pk=action.insight_id).first() if action.insight_id else None
    if insight is None:
        return []
    covered = Series.objects.filter(pk__in=composition.covered(insight))
    return sorted(set(covered.values_list("service__slug", flat=True)))


def waiting() -> QuerySet[ActionItem]:
    """Done actions whose effect only the field can show."""
    return ActionItem.objects.filter(state=State.DONE, metric__in=[*FIELD_METRICS]).select_related("service")


def too_early(found: Plan, now: datetime | None = None) -> bool:
    """Whether not a single day after the action counts yet."""
    return (now or timezone.now()) <= found.windows.after.start


def _triggers(action: ActionItem) -> list[Incident]:
    reviews = Postmortem.objects.filter(pk=action.postmortem_id) if action.postmortem_id else None
    found = list(reviews.select_related("incident")) if reviews is not None else []
    insight = Insight.objects.filter(pk=action.insight_id).first() if action.insight_id else None
    if insight is not None:
        revisions = insight.revisions.select_related("source_postmortem__incident")
        found += [one.source_postmortem for one in revisions if one.source_postmortem is not None]
    return [review.incident for review in found if review.incident is not None]
