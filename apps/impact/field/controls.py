"""Services that an action did not touch: what counts would have done without it. Reads only."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db.models import Q

from apps.actions.models import GIVEN_UP, ActionItem
from apps.analysis.counts import Counts2
from apps.catalog.models import Service
from apps.incidents.models import Incident
from apps.insights import composition
from apps.insights.models import Insight
from apps.telemetry.models import Series

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from apps.analysis.fieldwindows import FieldWindows

    from .planning import Plan


def unaffected(action: ActionItem, plan: Plan) -> list[str]:
    """Slugs of services of the same tier, known before the action was done, that it has nothing to do with.

    Not those that the action or its insight speaks for, that share an incident with the population (by a
    series, or by a merge), nor those with an action of their own on the same metric that was done in the
    meantime: that would be compared with another treatment.
    """
    treated = Service.objects.filter(slug__in=plan.services)
    tiers = set(treated.values_list("tier", flat=True)) - {None}
    if not tiers:
        return []
    known = Service.objects.filter(tier__in=tiers, created_at__lte=action.done_at)
    touched = set(plan.services) | _spoken_for(action) | _sharing(plan) | _treated_too(action, plan.windows)
    return sorted(set(known.values_list("slug", flat=True)) - touched)


def counts(services: Iterable[str], windows: FieldWindows, now: datetime) -> dict[str, Counts2]:
    """Incidents of each service before and after, over the days that have passed; two queries."""
    before, after = windows.before, windows.after.until(now)
    names = list(services)
    first, second = (_counted(names, span.start, span.end) for span in (before, after))
    return {
        name: Counts2(first[name], before.days, second[name], after.days) for name in names if after.days > 0
    }


def _counted(services: Collection[str], start: datetime, end: datetime) -> Counter[str]:
    rows = Incident.objects.counted().filter(
        service__slug__in=services, occurred_at__gte=start, occurred_at__lt=end
    )
    return Counter(rows.values_list("service__slug", flat=True))


def _spoken_for(action: ActionItem) -> set[str]:
    touched = {action.service.slug} if action.service is not None else set()
    insight = Insight.objects.filter(pk=action.insight_id).first() if action.insight_id else None
    if insight is None:
        return touched
    series = Series.objects.filter(pk__in=composition.covered(insight))
    return touched | set(series.values_list("service__slug", flat=True))


def _sharing(plan: Plan) -> set[str]:
    """Services that were hit by an incident of the population, and whose incidents hit it."""
    span = {"occurred_at__gte": plan.windows.before.start, "occurred_at__lt": plan.windows.after.end}
    ours = Incident.objects.filter(service__slug__in=plan.services, **span)
    theirs = Incident.objects.filter(
        Q(series__service__slug__in=plan.services)
        | Q(merged_into__service__slug__in=plan.services)
        | Q(merged__service__slug__in=plan.services),
        **span,
    )
    return {
        *Series.objects.filter(incidents__in=ours).values_list("service__slug", flat=True),
        *theirs.values_list("service__slug", flat=True),
    }


def _treated_too(action: ActionItem, windows: FieldWindows) -> set[str]:
    """Services whose own action on this metric was done between the first and the last day that counts."""
    others = (
        ActionItem.objects.exclude(pk=action.pk)
        .exclude(state__in=[*GIVEN_UP])
        .filter(metric=action.metric, done_at__gte=windows.before.start, done_at__lt=windows.after.end)
    )
    found: set[str] = set()
    for population, slug in others.values_list("population", "service__slug"):
        found |= set((population or {}).get("services") or [slug] if slug or population else [])
    return found
