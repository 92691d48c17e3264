"""What share of actions should be done by their due dates, by the tier of their service."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

USUAL_SHARE: Final = 0.8
USUAL_ESCALATION_DAYS: Final = 14
LONGEST_ESCALATION: Final = 180


class CompletionTarget(models.Model):
    """The target of a tier, "" for services of no tier and actions of no service. Without one: 80 %, 14 days.

    `escalate_days` after the due date, the programme's owners hear of an action that is still to do.
    """

    tier = models.CharField(max_length=60, blank=True, default="", unique=True)
    share = models.FloatField(default=USUAL_SHARE)
    escalate_days = models.PositiveSmallIntegerField(default=USUAL_ESCALATION_DAYS)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="target_is_a_share", condition=Q(share__gt=0, share__lte=1)),
            models.CheckConstraint(
                name="target_escalation_in_range",
                condition=Q(escalate_days__gte=1, escalate_days__lte=LONGEST_ESCALATION),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier or 'no tier'}: {self.share:.0%}"
