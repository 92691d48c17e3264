"""Verdicts: what was measured of an action that is done. Append-only: a later look is a further row."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from apps.actions.models import FIELD_METRICS, REPLAY_METRICS, ActionItem, Metric
from apps.insights.models import Insight

from .querysets import VerdictQuerySet


class Verdict(models.Model):
    """One measurement of what an action did: by replay of its insight on telemetry that no gate has seen, or
    in the field, on incidents before and after. The two kinds of evidence are never put together.

    `request` is the outbox key that asked for it, so that a repeated task adds nothing; `turn` the time the
    action was done, `look` counts the measurements of that turn. `effect`, `low` and `high` are in the
    unit of the metric: natural log of a ratio (false alarms, counts, durations in the field), difference of
    shares, or seconds (time to detect); a bound that is null is open. `p` is that of one look times their
    number. `code` ran on data of `data_hash`. `report` has the figures of each series, or of the weeks.
    """

    class Evidence(models.TextChoices):
        REPLAY = "replay", "Replay"
        FIELD = "field", "Field"

    class Outcome(models.TextChoices):
        IMPROVED = "improved", "Improved"
        WORSE = "worse", "Worse"
        NO_EVIDENCE = "no_evidence", "No evidence of a change"
        TOO_FEW_DATA = "too_few_data", "Too few data"

    action = models.ForeignKey(ActionItem, models.PROTECT, related_name="verdicts")
    evidence = models.CharField(max_length=6, choices=Evidence.choices, default=Evidence.REPLAY)
    insight = models.ForeignKey(Insight, models.PROTECT, null=True, blank=True, related_name="verdicts")
    revision = models.PositiveIntegerField(null=True)
    release = models.PositiveBigIntegerField(null=True)
    request = models.CharField(max_length=255, unique=True)
    turn = models.PositiveIntegerField()
    look = models.PositiveIntegerField(default=1)
    metric = models.CharField(max_length=30, choices=Metric.choices)
    method = models.CharField(max_length=200)
    n = models.PositiveIntegerField()
    excluded = models.PositiveIntegerField()
    effect = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    power = models.FloatField(null=True)
    minimum_detectable_effect = models.FloatField(null=True)
    verdict = models.CharField(max_length=12, choices=Outcome.choices)
    reason = models.TextField()
    report = models.JSONField()
    split_hash = models.CharField(max_length=64)
    data_hash = models.CharField(max_length=64)
    code = models.CharField(max_length=100)
    seconds = models.FloatField()
    evaluated_at = models.DateTimeField(auto_now_add=True)

    objects = VerdictQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="verdict_once_a_look", fields=["action", "turn", "look"]),
            models.CheckConstraint(
                name="verdict_known",
                condition=Q(verdict__in=["improved", "worse", "no_evidence", "too_few_data"]),
            ),
            models.CheckConstraint(name="verdict_metric_known", condition=Q(metric__in=[*Metric])),
            models.CheckConstraint(
                name="verdict_evidence_fits_the_metric",
                condition=Q(evidence="replay", metric__in=[*REPLAY_METRICS])
                | Q(evidence="field", metric__in=[*FIELD_METRICS]),
            ),
            models.CheckConstraint(
                name="verdict_by_replay_is_of_a_revision",
                condition=~Q(evidence="replay") | Q(insight__isnull=False, revision__isnull=False),
            ),
            models.CheckConstraint(
                name="verdict_names_split_data_and_code",
                condition=Q(split_hash__regex=r"\S", data_hash__regex=r"\S", code__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="verdict_p_is_a_probability", condition=Q(p__isnull=True) | Q(p__gte=0, p__lte=1)
            ),
            models.CheckConstraint(
                name="verdict_interval_in_order",
                condition=Q(low__isnull=True) | Q(high__isnull=True) | Q(low__lte=models.F("high")),
            ),
            models.CheckConstraint(
                name="verdict_of_a_change_has_a_p",
                condition=~Q(verdict__in=["improved", "worse"]) | Q(p__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} for action {self.action_id}"


class Reevaluation(models.Model):
    """A quarter in which no gain was verified, and the action that asks why. Once a quarter."""

    quarter = models.DateField(primary_key=True, help_text="its first day")
    action = models.OneToOneField(ActionItem, models.PROTECT, related_name="reevaluation")
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reevaluation_of_a_quarter",
                condition=Q(quarter__day=1, quarter__month__in=[1, 4, 7, 10]),
            )
        ]

    def __str__(self) -> str:
        return f"re-evaluation of the quarter from {self.quarter}"


from .watch_models import WatchDay, WatchLook  # noqa: E402  # models of this room, in a file of their own

__all__ = ["Reevaluation", "Verdict", "WatchDay", "WatchLook"]
