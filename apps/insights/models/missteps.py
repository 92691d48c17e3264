"""Signals that failed, as records of their own: so that nobody learns the same lesson twice. Append-only."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from apps.insights.querysets import MisstepQuerySet

from .lessons import Signal
from .protection import APPEND_ONLY


class Misstep(models.Model):
    """One signal that failed, why, and on which series it was tried.

    `reference` tells several failures of one signal for the same reason apart. `series` are those of its
    scope at that moment and `services` their services: what later proposals are compared with.
    """

    class Why(models.TextChoices):
        GATE_FAILED = "gate_failed", "The gate failed"
        REJECTED = "rejected", "Rejected in review"
        PROSPECTIVE_WORSE = "prospective_worse", "Worse in the prospective test"
        VERDICT_WORSE = "verdict_worse", "Verdict: worse"
        SHADOW_WORSE = "shadow_worse", "Worse in its shadow run"

    signal = models.ForeignKey(Signal, models.PROTECT, related_name="missteps")
    kind = models.CharField(max_length=20, choices=Signal.Kind.choices)
    why = models.CharField(max_length=20, choices=Why.choices)
    reference = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    series = ArrayField(models.CharField(max_length=200))
    services = ArrayField(models.CharField(max_length=80))
    at = models.DateTimeField(auto_now_add=True)

    objects = MisstepQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="misstep_once", fields=["signal", "why", "reference"]),
            models.CheckConstraint(
                name="misstep_why_known",
                condition=Q(
                    why__in=[
                        "gate_failed",
                        "rejected",
                        "prospective_worse",
                        "verdict_worse",
                        "shadow_worse",
                    ]
                ),
            ),
            models.CheckConstraint(name="misstep_says_what", condition=Q(text__regex=r"\S")),
        ]
        indexes: ClassVar = [
            GinIndex(name="misstep_by_series", fields=["series"]),
            GinIndex(name="misstep_by_service", fields=["services"]),
        ]

    def __str__(self) -> str:
        return f"{self.why}: {self.signal}"
