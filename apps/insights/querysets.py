"""Reads of insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User

    from .models import Insight  # noqa: F401  # in quotes below, where type checkers look for it


class InsightQuerySet(models.QuerySet["Insight"]):
    """Insights as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every insight until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def with_story(self) -> Self:
        """Everything the API shows of an insight, in a fixed number of queries."""
        return self.select_related("author").prefetch_related(
            "revisions__author",
            "revisions__signals",
            "revisions__gate_results",
            "revisions__scores__rater",
            "revisions__overrides__author",
            "revisions__approvals__approver",
            "revisions__activation",
        )

    def due_to_expire(self, moment: datetime) -> Self:
        """Served insights whose active revision's expiry has come by `moment` (UTC)."""
        return self.filter(
            active_revision__isnull=False,
            revisions__number=F("active_revision"),
            revisions__expires_at__lte=moment,
        )

    def concerned_by(self, wanted: Collection[int]) -> Self:
        """The insights that a revert to the manifest `wanted` may touch: those in it, those active now."""
        return self.filter(Q(pk__in=list(wanted)) | Q(active_revision__isnull=False))
