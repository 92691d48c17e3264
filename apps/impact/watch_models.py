"""What the prospective test saw of served insights, day by day, and what each look said. Append-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.insights.models import Insight

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class WatchDay(models.Model):
    """Both ways on one service and one day (UTC) while a revision was served since one release.

    Before: without the insight. After: what is served. Columns as in `evaluation.daily.ServiceDay`.
    """

    insight = models.ForeignKey(Insight, models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField()
    release = models.PositiveBigIntegerField()
    service = models.CharField(max_length=80)
    day = models.DateField()
    samples = models.PositiveIntegerField()
    paused = models.PositiveIntegerField()
    false_before = models.PositiveIntegerField()
    false_after = models.PositiveIntegerField()
    incidents = models.PositiveIntegerField()
    gained = models.PositiveIntegerField()
    lost = models.PositiveIntegerField()
    data_hash = models.CharField(max_length=64)
    read_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["day", "service"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="watch_day_once", fields=["insight", "release", "service", "day"]),
            models.CheckConstraint(
                name="watch_day_counts_fit", condition=Q(incidents__gte=F("gained") + F("lost"))
            ),
            models.CheckConstraint(
                name="watch_day_is_hashed", condition=Q(data_hash__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} on {self.day} for insight {self.insight_id}"


class WatchLookQuerySet(models.QuerySet["WatchLook"]):
    """Looks as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """As the insights that they are of: every signed-in account, others none."""
        return self if user.is_authenticated else self.none()


class WatchLook(models.Model):
    """Where the sequence of a served insight stood after the day `through`. See `analysis.prospective`.

    `days` were watched since `release`, `n` of them differ. `effect`, `low`, `high`: what a day pays for the
    insight, in false alarms, with its always-valid interval; null before the first look. `lost_p` is of the
    incidents. `withdrawn_by`: the release that stopped serving it, where this look did that.
    """

    class Decision(models.TextChoices):
        TOO_FEW = "too_few_data", "Too few data"
        WATCHING = "watching", "Neither shown"
        BETTER = "improved", "Better than without it"
        WORSE = "worse", "Worse than without it"
        LOSING = "losing", "Loses incidents"

    insight = models.ForeignKey(Insight, models.PROTECT, related_name="watch_looks")
    revision = models.PositiveIntegerField()
    release = models.PositiveBigIntegerField()
    through = models.DateField()
    days = models.PositiveIntegerField()
    n = models.PositiveIntegerField()
    false_before = models.PositiveIntegerField()
    false_after = models.PositiveIntegerField()
    incidents = models.PositiveIntegerField()
    gained = models.PositiveIntegerField()
    lost = models.PositiveIntegerField()
    effect = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    lost_p = models.FloatField()
    decision = models.CharField(max_length=12, choices=Decision.choices)
    withdrawn_by = models.PositiveBigIntegerField(null=True)
    method = models.CharField(max_length=200)
    data_hash = models.CharField(max_length=64)
    code = models.CharField(max_length=100)
    looked_at = models.DateTimeField(auto_now_add=True)

    objects = WatchLookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="watch_look_once_a_day", fields=["insight", "release", "through"]),
            models.CheckConstraint(
                name="watch_look_decision_known",
                condition=Q(decision__in=["too_few_data", "watching", "improved", "worse", "losing"]),
            ),
            models.CheckConstraint(
                name="watch_look_names_data_and_code",
                condition=Q(data_hash__regex=r"^[0-9a-f]{64}$") & ~Q(code=""),
            ),
            models.CheckConstraint(
                name="watch_look_withdraws_by_harm",
                condition=Q(withdrawn_by__isnull=True) | Q(decision__in=["worse", "losing"]),
            ),
        ]

    def __str__(self) -> str:
        return f"look at insight {self.insight_id} through {self.through}"
