"""Who reads what: consumers at the newest release that they read, and how far behind they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum

from . import publication, wording
from .models import FeatureUse
from .names import ACTIVE_SERVICE, release_of_service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet


@dataclass(frozen=True)
class Reader:
    """One line of the page: `use`, and what follows from it. `behind` is None where releases do not count;
    `tells` says what the service is about."""

    use: FeatureUse
    total: int
    is_pinned: bool
    behind: int | None
    tells: str


@dataclass(frozen=True)
class Readers:
    """Who reads a release, in two numbers."""

    consumers: int
    reads: int


def newest_uses() -> QuerySet[FeatureUse]:
    """For each consumer and service the newest release read, `total` over all releases."""
    same = FeatureUse.objects.filter(
        consumer=OuterRef("consumer"), feature_service=OuterRef("feature_service")
    ).order_by()
    later = same.filter(
        Q(last_at__gt=OuterRef("last_at")) | Q(last_at=OuterRef("last_at"), release__gt=OuterRef("release"))
    )
    totals = same.values("consumer", "feature_service").annotate(n=Sum("reads")).values("n")
    return FeatureUse.objects.filter(~Exists(later)).annotate(total=Subquery(totals))


def all_uses(*, consumer: str = "", release: int | None = None) -> QuerySet[FeatureUse]:
    """Every release that this consumer read, or everybody who read this release."""
    uses = FeatureUse.objects.annotate(total=F("reads"))
    if consumer:
        uses = uses.filter(consumer=consumer)
    return uses if release is None else uses.filter(release=release)


def readers(uses: Iterable[FeatureUse]) -> list[Reader]:
    """Lines for uses that carry `total`; one query."""
    active = publication.pointer()
    newest = active.release_id if active else 0
    return [
        Reader(
            use=use,
            total=int(getattr(use, "total", use.reads)),
            is_pinned=release_of_service(use.feature_service) is not None,
            behind=max(newest - use.release, 0) if _counts(use) else None,
            tells=wording.service(use.feature_service),
        )
        for use in uses
    ]


def of_releases(numbers: Iterable[int]) -> dict[int, Readers]:
    """How many consumers read each of these releases, and how often; one query."""
    rows = (
        FeatureUse.objects.filter(release__in=list(numbers))
        .values("release")
        .annotate(n=Count("consumer", distinct=True), total=Sum("reads"))
        .order_by("release")
    )
    return {row["release"]: Readers(row["n"], row["total"]) for row in rows}


def _counts(use: FeatureUse) -> bool:
    return use.feature_service == ACTIVE_SERVICE or release_of_service(use.feature_service) is not None
