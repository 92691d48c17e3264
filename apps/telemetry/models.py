"""Series, their samples and labels, and what each import brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from apps.catalog.models import Service

from .sources.names import MAX_METRIC, MAX_SERVICE

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_ID = MAX_SERVICE + 1 + MAX_METRIC
HEX_DIGEST = 64


class SeriesQuerySet(models.QuerySet["Series"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Everybody who is signed in sees every series; sharing scopes come with the privacy room."""
        return self.all() if user.is_authenticated else self.none()


class OutcomeLabelQuerySet(models.QuerySet["OutcomeLabel"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """As the series that they label."""
        return self.all() if user.is_authenticated else self.none()

    def counted(self, *, include_holdout: bool = False) -> Self:
        """Labels that may be counted and learnt from: never a drill, and no hold-out unless asked for."""
        known = self.filter(is_drill=False)
        return known if include_holdout else known.filter(is_holdout=False)


class Series(models.Model):
    """One metric of one service. Without samples it lives elsewhere and is only known by its name.

    `cadence_s` is the median step in seconds; `samples`, `first_at`, `last_at` describe the rows of `Sample`.
    """

    id = models.CharField(max_length=MAX_ID, primary_key=True)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="series")
    metric = models.CharField(max_length=MAX_METRIC)
    metric_family = models.CharField(max_length=MAX_METRIC)
    unit = models.CharField(max_length=40, blank=True, default="")
    cadence_s = models.FloatField(null=True)
    samples = models.BigIntegerField(default=0)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=40, default="registered")
    created_at = models.DateTimeField(db_default=Now())

    objects = SeriesQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["service", "metric_family"], name="telemetry_series_scope"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(id__regex=r"^[^/]+/[^/]+$"), name="telemetry_series_id_two_parts"
            ),
            models.CheckConstraint(
                condition=models.Q(cadence_s__isnull=True) | models.Q(cadence_s__gt=0),
                name="telemetry_series_cadence_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(samples=0, first_at__isnull=True, last_at__isnull=True)
                | models.Q(samples__gt=0, first_at__isnull=False, last_at__gte=models.F("first_at")),
                name="telemetry_series_span_with_samples",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Sample(models.Model):
    """One number at one instant (UTC, microseconds). Written by COPY only (`loading`)."""

    pk = models.CompositePrimaryKey("series_id", "at")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(value__gt=float("-inf"), value__lt=float("inf")),
                name="telemetry_sample_finite",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.at:%Y-%m-%dT%H:%M:%SZ}"


class ImportRun(models.Model):
    """One file of samples that was read in whole; the same bytes in the same zone are not read in again."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="imports", db_index=False)
    file = models.CharField(max_length=1000)
    tz = models.CharField(max_length=60)
    sha256 = models.CharField(max_length=HEX_DIGEST)
    rows = models.BigIntegerField()
    report = models.JSONField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["series", "-at"], name="telemetry_importrun_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.file} at {self.at:%Y-%m-%d %H:%M}"


class OutcomeLabel(models.Model):
    """What an interval of a series turned out to be, as one source says. Both ends belong to it.

    Labels of the hold-out are kept from whatever learns; those of drills count nowhere.
    """

    class Kind(models.TextChoices):
        INCIDENT = "incident"
        BENIGN = "benign"

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="labels")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT)
    source = models.CharField(max_length=200)
    is_holdout = models.BooleanField(default=False)
    is_drill = models.BooleanField(default=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    recorded_at = models.DateTimeField(db_default=Now())

    objects = OutcomeLabelQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["series", "start_at", "end_at", "kind", "source"],
                name="telemetry_outcomelabel_once_a_source",
            ),
            models.CheckConstraint(
                condition=models.Q(end_at__gte=models.F("start_at")),
                name="telemetry_outcomelabel_end_after_start",
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["incident", "benign"]), name="telemetry_outcomelabel_kind_known"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["source"], name="telemetry_label_source"),
        ]

    def __str__(self) -> str:
        return f"{self.series_id} {self.kind} {self.start_at:%Y-%m-%dT%H:%M:%SZ}"
