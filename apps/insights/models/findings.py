"""What was found of an insight after it was written: verdicts, prospective tests, shadow runs."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from .lessons import Insight
from .protection import APPEND_ONLY


class Finding(models.Model):
    """One answer to "does it help?", with the figures that it rests on.

    `source` says who looked and `reference` which look it was: the pair is unique, so that a repeated message
    counts once. `revision` is the number of the revision that was looked at. `effect`, `low` and `high` are
    in the unit of `method`; null where it could not be known. `split_hash` names the data, "" where there is
    no split. `release` is the release that serves the changed confidence; null where nothing served changed.
    """

    class Source(models.TextChoices):
        VERDICT = "verdict", "Verdict on an action"
        PROSPECTIVE = "prospective", "Prospective test"
        SHADOW = "shadow", "Shadow run"

    class Outcome(models.TextChoices):
        IMPROVED = "improved", "Improved"
        WORSE = "worse", "Worse"
        NO_EVIDENCE = "no_evidence", "No evidence"
        TOO_FEW_DATA = "too_few_data", "Too few data"

    insight = models.ForeignKey(Insight, models.PROTECT, related_name="findings")
    revision = models.PositiveIntegerField()
    source = models.CharField(max_length=20, choices=Source.choices)
    reference = models.CharField(max_length=200)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    effect = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    p = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    method = models.CharField(max_length=200)
    split_hash = models.CharField(max_length=64, blank=True)
    release = models.PositiveBigIntegerField(null=True)
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="finding_once_a_look", fields=["source", "reference"]),
            models.CheckConstraint(
                name="finding_source_known", condition=Q(source__in=["verdict", "prospective", "shadow"])
            ),
            models.CheckConstraint(
                name="finding_outcome_known",
                condition=Q(outcome__in=["improved", "worse", "no_evidence", "too_few_data"]),
            ),
            models.CheckConstraint(
                name="finding_names_its_look", condition=Q(reference__regex=r"\S", method__regex=r"\S")
            ),
            models.CheckConstraint(
                name="finding_p_is_a_probability", condition=Q(p__isnull=True) | Q(p__range=(0, 1))
            ),
            models.CheckConstraint(
                name="finding_interval_in_order",
                condition=Q(low__isnull=True) | Q(high__isnull=True) | Q(low__lte=F("high")),
            ),
            # A claim needs something that it was counted on; "too few data" may have found nothing at all.
            models.CheckConstraint(
                name="finding_claims_rest_on_data",
                condition=Q(n__gt=0) | Q(outcome__in=["too_few_data", "no_evidence"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} for insight {self.insight_id} ({self.source} {self.reference})"
