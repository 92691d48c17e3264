"""Series, their samples and labels, and what each import brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
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
        """Labels to count and learn from: no drill, none in quarantine, no hold-out unless asked for."""
        known = self.trusted().filter(is_drill=False)
        return known if include_holdout else known.filter(is_holdout=False)

    def trusted(self) -> Self:
        """Without those in quarantine: what an outlier said from `since` on, until it is released."""
        held = Quarantine.objects.filter(release__isnull=True, since__lte=OuterRef("recorded_at"))
        nobody = Q(person__isnull=True, source=OuterRef("source"))
        return self.exclude(
            Exists(held.filter(person=OuterRef("recorded_by")))
            | Q(recorded_by__isnull=True) & Exists(held.filter(nobody))
        )


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


class QuarantineQuerySet(models.QuerySet["Quarantine"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Everybody who is signed in: whose labels are held must be able to read why."""
        return self.all() if user.is_authenticated else self.none()

    def told(self) -> Self:
        """People and releases loaded, for lists."""
        return self.select_related("person", "release__by")


class Quarantine(models.Model):
    """The decision to use no label of an outlier, recorded at `since` or later, until somebody releases them.

    The author of a label is the person who recorded it, or its `source` where nobody is named. The figures
    are those of `analysis.quarantine.Flips`; `labels` were held then. Never changed; a release is a row of
    its own.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    source = models.CharField(max_length=200, blank=True, default="")
    since = models.DateTimeField()
    reason = models.TextField()
    checked = models.PositiveIntegerField()
    flips = models.PositiveIntegerField()
    rest_checked = models.PositiveIntegerField()
    rest_flips = models.PositiveIntegerField()
    p = models.FloatField()
    tested = models.PositiveIntegerField()
    labels = models.PositiveIntegerField()
    at = models.DateTimeField(db_default=Now())

    objects = QuarantineQuerySet.as_manager()

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="one_open_of_an_author",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                IF EXISTS (SELECT 1 FROM telemetry_quarantine q
                            WHERE q.person_id IS NOT DISTINCT FROM NEW.person_id AND q.source = NEW.source
                              AND NOT EXISTS (SELECT 1 FROM telemetry_quarantinerelease r
                                               WHERE r.quarantine_id = q.id)) THEN
                    RAISE EXCEPTION 'labels of this author are held already (telemetry_quarantine)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="telemetry_quarantine_of_one_author",
                condition=Q(person__isnull=False, source="") | Q(person__isnull=True, source__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="telemetry_quarantine_figures",
                condition=Q(
                    reason__regex=r"\S",
                    flips__gt=0,
                    checked__gte=models.F("flips"),
                    rest_checked__gte=models.F("rest_flips"),
                    p__gte=0,
                    p__lte=1,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"labels of {self.person or self.source} since {self.since:%Y-%m-%dT%H:%M:%SZ}"


class QuarantineRelease(models.Model):
    """Somebody's word, with the reason, that the labels of a quarantine may be used again; never changed."""

    quarantine = models.OneToOneField(Quarantine, models.PROTECT, related_name="release")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="not_by_the_author",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                IF EXISTS (SELECT 1 FROM telemetry_quarantine
                            WHERE id = NEW.quarantine_id AND person_id = NEW.by_id) THEN
                    RAISE EXCEPTION 'nobody releases their own labels (telemetry_quarantinerelease)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="telemetry_release_says_why", condition=Q(reason__regex=r"[[:alnum:]]")
            ),
        ]

    def __str__(self) -> str:
        return f"release of {self.quarantine}"
