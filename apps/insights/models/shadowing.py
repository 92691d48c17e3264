"""Shadow runs: both arms on live telemetry, before anything is served."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from .lessons import Revision
from .protection import APPEND_ONLY
from .reviews import GateResult, not_by_an_author

MAX_HYPOTHESIS = 2000
REGISTERED = (
    *("revision", "hypothesis", "metric", "smallest_effect", "starts_at", "ends_at"),
    *("started_by", "created_at", "gate_result"),
)


class ShadowRun(models.Model):
    """What is served now against the same with one revision, on telemetry of [starts_at, ends_at) (UTC).

    Hypothesis, metric, smallest effect and times are registered before the first sample and never changed.
    `smallest_effect` is a share: of the false alarms that are to go, or of the incidents that are to be
    caught besides. A run is closed once; `outcome` and the figures beside it are those of a run that went to
    its planned end, empty for all others: nobody looks until the answer is welcome. `effect`, `low`, `high`:
    log ratio of false alarms, or difference of the share of incidents caught.
    """

    class Metric(models.TextChoices):
        FALSE_ALARMS = "false_alarms_per_day", "Fewer false alarms"
        RECALL = "recall", "More incidents caught"

    class Ending(models.TextChoices):
        FINISHED = "finished", "Went to its planned end"
        STOPPED = "stopped", "Stopped"
        APPROVED = "approved", "Ended by approval"
        REVISED = "revised", "Ended by a new revision"
        TURNED_DOWN = "turned_down", "Ended by a no"
        WITHDRAWN = "withdrawn", "Ended by withdrawal"

    class Outcome(models.TextChoices):
        IMPROVED = "improved", "Improved"
        WORSE = "worse", "Worse"
        NO_EVIDENCE = "no_evidence", "No evidence of a change"
        TOO_FEW_DATA = "too_few_data", "Too few data"

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="shadow_runs")
    hypothesis = models.TextField()
    metric = models.CharField(max_length=30, choices=Metric.choices)
    smallest_effect = models.FloatField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    gate_result = models.ForeignKey(GateResult, models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True, default="")
    ending = models.CharField(max_length=12, choices=Ending.choices, blank=True, default="")
    ending_reason = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True, default="")
    outcome_reason = models.TextField(blank=True, default="")
    method = models.CharField(max_length=200, blank=True, default="")
    n = models.PositiveIntegerField(null=True)
    effect = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    power = models.FloatField(null=True)
    minimum_detectable_effect = models.FloatField(null=True)
    data_hash = models.CharField(max_length=64, blank=True, default="")
    code = models.CharField(max_length=100, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [
            not_by_an_author(column="started_by_id", verb="put it to the test", table="insights_shadowrun"),
            pgtrigger.ReadOnly(name="registered_before", fields=list(REGISTERED)),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="closed_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.ended_at IS NOT NULL"),
            ),
            pgtrigger.Trigger(
                name="after_the_gate",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("gate", "text")],
                func="""
                SELECT verdict INTO gate FROM insights_gateresult
                 WHERE id = NEW.gate_result_id AND revision_id = NEW.revision_id;
                IF gate IS NULL OR (gate <> 'passed' AND NOT EXISTS (
                       SELECT 1 FROM insights_gateoverride WHERE revision_id = NEW.revision_id)) THEN
                    RAISE EXCEPTION 'no passed gate and no override (insights_shadowrun)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="shadow_run_one_at_a_time", fields=["revision"], condition=Q(ended_at__isnull=True)
            ),
            models.CheckConstraint(
                name="shadow_run_metric_known", condition=Q(metric__in=["false_alarms_per_day", "recall"])
            ),
            models.CheckConstraint(name="shadow_run_says_what", condition=Q(hypothesis__regex=r"\S")),
            models.CheckConstraint(
                name="shadow_run_effect_is_a_share", condition=Q(smallest_effect__gt=0, smallest_effect__lt=1)
            ),
            models.CheckConstraint(
                name="shadow_run_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="shadow_run_closed_whole",
                condition=Q(ended_at__isnull=True, ending="", ended_by="")
                | Q(ended_at__isnull=False) & ~Q(ending="") & ~Q(ended_by=""),
            ),
            models.CheckConstraint(
                name="shadow_run_judged_at_its_end",
                condition=Q(ending="finished", data_hash__regex=r"^[0-9a-f]{64}$", n__isnull=False)
                & ~Q(outcome="")
                & ~Q(method="")
                & ~Q(code="")
                | ~Q(ending="finished") & Q(outcome=""),
            ),
        ]

    def __str__(self) -> str:
        return f"shadow run {self.pk} of {self.revision}"

    @property
    def open(self) -> bool:
        return self.ended_at is None


class ShadowReading(models.Model):
    """Both arms on one service and one day (UTC) of a run: append-only, each service-day once.

    `release`: what was served when it was read, the first arm. The other columns are those of
    `evaluation.daily.ServiceDay`.
    """

    run = models.ForeignKey(ShadowRun, models.PROTECT, related_name="readings")
    service = models.CharField(max_length=80)
    day = models.DateField()
    release = models.PositiveBigIntegerField(null=True)
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
            models.UniqueConstraint(name="shadow_reading_once", fields=["run", "service", "day"]),
            models.CheckConstraint(
                name="shadow_reading_counts_fit", condition=Q(incidents__gte=F("gained") + F("lost"))
            ),
            models.CheckConstraint(
                name="shadow_reading_is_hashed", condition=Q(data_hash__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} on {self.day} of {self.run}"
