"""Alarms: what detectors reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_SERIES = 200


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Everybody who is signed in sees every alarm; sharing scopes come with the privacy room."""
        return self.all() if user.is_authenticated else self.none()


class Alarm(models.Model):
    """A sample that a detector found alarming, under the release that it had read (null: under none).

    `series` is text: a detector may watch what we have no samples of. `score` is in the unit of the
    detector that gave it.
    """

    series = models.CharField(max_length=MAX_SERIES)
    at = models.DateTimeField()
    score = models.FloatField()
    release = models.PositiveIntegerField(null=True)
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=Now())

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "at", "release", "reported_by"],
                name="alerts_alarm_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(score__gt=float("-inf"), score__lt=float("inf")),
                name="alerts_alarm_score_finite",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["at", "id"], name="alerts_alarm_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.at:%Y-%m-%dT%H:%M:%SZ}"
