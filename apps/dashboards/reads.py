"""Reads that several pages share, each in a fixed number of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F, Q

from apps.insights.models import Insight, Revision

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import User
    from apps.telemetry.models import Series


def newest_revisions(user: User) -> QuerySet[Revision]:
    """The newest revision of every insight that `user` may read, with the insight."""
    return Revision.objects.filter(
        insight__in=Insight.objects.visible_to(user), number=F("insight__revision")
    ).select_related("insight", "insight__author")


def about_series(user: User, series: Series) -> QuerySet[Revision]:
    """Insights whose scope takes the series in, newest first; the fleet's are everybody's."""
    service = Q(scope__service=series.service.slug)
    narrow = service & Q(scope__metric_family=series.metric_family)
    wide = service & ~Q(scope__has_key="metric_family")
    return (
        newest_revisions(user)
        .filter(Q(scope__series__contains=[series.pk]) | narrow | wide | Q(scope__fleet=True))
        .order_by("-insight_id")
    )


def about_service(user: User, slug: str, series: list[str]) -> QuerySet[Revision]:
    """Insights that speak for the service or for one of its series, newest first."""
    named = Q()
    for name in series:
        named |= Q(scope__series__contains=[name])
    return newest_revisions(user).filter(named | Q(scope__service=slug)).order_by("-insight_id")
