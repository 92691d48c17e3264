"""Releases and the rows they serve. Rows are appended, never edited: triggers refuse everything else."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

HEX_DIGEST = 64
SERIES_LENGTH = 200
CONSUMER_LENGTH = 300  # a user name (150), a slash, a token's name (120)
SERIES_PATTERN = r"^[^/]+/[^/]+$"  # what an id may hold besides is decided by telemetry.sources.names


def _part(number: int) -> Func:
    """A part of a composite entity, counted from 1, as `definitions` takes it apart."""
    return Func(
        F("entity"), Value("/"), Value(number), function="split_part", output_field=models.TextField()
    )


class Release(models.Model):
    """One content version of all features. `known_at` is taken inside the release lock, strictly
    increasing."""

    class Kind(models.TextChoices):
        APPROVE = "approve", "Approve"
        REVISE = "revise", "Revise"
        WITHDRAW = "withdraw", "Withdraw"
        EXPIRE = "expire", "Expire"
        REVERT = "revert", "Revert"
        IMPORT = "import", "Import"

    number = models.PositiveIntegerField(primary_key=True)
    known_at = models.DateTimeField(unique=True)
    served_at = models.DateTimeField(null=True)  # when its online rows had been read back
    digest = models.CharField(max_length=HEX_DIGEST)
    parent = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="child")
    manifest = models.JSONField(default=list)  # [{"insight": …, "revision": …}], in force under this release
    kind = models.CharField(max_length=10, choices=Kind.choices)
    author = models.CharField(max_length=150)  # a value, not a key: people may go, releases stay
    reason = models.TextField(default="", blank=True)

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(number__gte=1), name="features_release_number_positive"),
            models.CheckConstraint(
                condition=Q(kind__in=["approve", "revise", "withdraw", "expire", "revert", "import"]),
                name="features_release_kind",
            ),
            models.CheckConstraint(
                condition=Q(number=1, parent__isnull=True) | Q(number__gt=1, parent=F("number") - 1),
                name="features_release_linear",
            ),
            models.CheckConstraint(
                condition=Q(served_at__isnull=True) | Q(served_at__gte=F("known_at")),
                name="features_release_served_after_known",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["number"], name="features_release_unserved", condition=Q(served_at=None)),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="immutable",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                declare=[("candidate", "RECORD")],
                func="""
                    candidate := NEW;
                    candidate.served_at := OLD.served_at;
                    IF candidate IS DISTINCT FROM OLD OR OLD.served_at IS NOT NULL THEN
                        RAISE EXCEPTION 'a release is never edited, only marked as served once';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="increasing",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (SELECT 1 FROM features_release r WHERE r.known_at >= NEW.known_at) THEN
                        RAISE EXCEPTION 'known_at must be later than that of every release';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"


class ProfileRow(models.Model):
    """The detection profile of one series from one release on. Withdrawal is a row without values."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        WITHDRAWN = "withdrawn", "Withdrawn"

    series = models.CharField(max_length=SERIES_LENGTH)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="rows")
    version = models.PositiveIntegerField()  # counts this series' rows
    known_at = models.DateTimeField()  # equals the release's: the point-in-time join needs no second table
    status = models.CharField(max_length=9, choices=Status.choices)
    values = models.JSONField(default=dict)
    sources = models.JSONField(default=dict)  # column -> insight, revision, document, lines, confidence …

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "release"], name="features_row_once_per_release"),
            # A tie would make the point-in-time join return both rows, or an arbitrary one.
            models.UniqueConstraint(fields=["series", "known_at"], name="features_row_known_at_unique"),
            models.UniqueConstraint(fields=["series", "version"], name="features_row_version_unique"),
            models.CheckConstraint(
                condition=Q(status="active") & ~Q(values={}) | Q(status="withdrawn", values={}, sources={}),
                name="features_row_withdrawn_is_empty",
            ),
            models.CheckConstraint(condition=Q(series__regex=SERIES_PATTERN), name="features_row_series_id"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="same_known_at",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM features_release r
                        WHERE r.number = NEW.release_id AND r.known_at = NEW.known_at
                    ) THEN
                        RAISE EXCEPTION 'a row carries the known_at of its release';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series} version {self.version} ({self.status})"


class ActivePointer(models.Model):
    """The one release that `detection` means. It only moves forward; undo is a new release with old
    content."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="+")
    changes = models.PositiveBigIntegerField()  # counts publications: readers refresh when it moves

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(id=1), name="features_pointer_single"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="forward_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF NEW.release_id < OLD.release_id OR NEW.changes <= OLD.changes THEN
                        RAISE EXCEPTION 'the active release only moves forward';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"active: release {self.release_id}"


class Pin(models.Model):
    """A release that stays readable as `detection__rN`, whatever is published later."""

    class State(models.TextChoices):
        PINNED = "pinned", "Pinned"
        RETIRING = "retiring", "Retiring"
        RETIRED = "retired", "Retired"

    release = models.OneToOneField(Release, on_delete=models.PROTECT, related_name="pin")
    state = models.CharField(max_length=8, choices=State.choices, default=State.PINNED)
    served_at = models.DateTimeField(null=True)  # null: asked for, not readable yet
    turn = models.PositiveIntegerField(default=1)  # counts pin and unpin: each is one outbox entry
    pinned_by = models.CharField(max_length=150)
    pinned_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=["pinned", "retiring", "retired"]), name="features_pin_state"
            ),
            models.CheckConstraint(
                condition=Q(state="pinned") | Q(served_at__isnull=True),
                name="features_pin_retired_is_unserved",
            ),
        ]

    def __str__(self) -> str:
        return f"pin of release {self.release_id} ({self.state})"


class FeatureUse(models.Model):
    """Who reads which release of which service. Counted in memory and added up, never a row per read."""

    consumer = models.CharField(max_length=CONSUMER_LENGTH)
    feature_service = models.CharField(max_length=100)
    release = models.PositiveIntegerField()
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())
    reads = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["consumer", "feature_service", "release"], name="features_use_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} reads {self.feature_service} at release {self.release}"


class FactRow(models.Model):
    """What is known of one entity (a service, say) from `known_at` on: all its facts, not just new ones."""

    view = models.CharField(max_length=40)
    entity = models.CharField(max_length=SERIES_LENGTH)
    version = models.PositiveIntegerField()  # counts this entity's rows
    known_at = models.DateTimeField()  # the clock inside the facts' lock, strictly increasing per entity
    values = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["view", "entity", "version"], name="features_fact_version_unique"
            ),
            # A tie would make the point-in-time join return an arbitrary one of two rows.
            models.UniqueConstraint(
                fields=["view", "entity", "known_at"], name="features_fact_known_at_unique"
            ),
            models.CheckConstraint(condition=~Q(view="") & ~Q(entity=""), name="features_fact_named"),
            models.CheckConstraint(condition=Q(version__gte=1), name="features_fact_version_positive"),
        ]
        indexes: ClassVar = [
            models.Index(
                _part(1),
                _part(2),
                "known_at",
                name="features_fact_parts",
                condition=Q(view="remediation_prior"),
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="increasing",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM features_factrow f WHERE f.view = NEW.view AND f.entity = NEW.entity
                        AND (f.known_at >= NEW.known_at OR f.version >= NEW.version)
                    ) THEN
                        RAISE EXCEPTION 'known_at and version must be later than those of every row of it';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.view} of {self.entity} version {self.version}"


class FactMark(models.Model):
    """The newest message that told a fact: one that is told again, or comes late, must not undo it."""

    view = models.CharField(max_length=40)
    entity = models.CharField(max_length=SERIES_LENGTH)
    column = models.CharField(max_length=60)
    message = models.PositiveBigIntegerField()  # number of the outbox entry

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["view", "entity", "column"], name="features_mark_once"),
        ]

    def __str__(self) -> str:
        return f"{self.view} {self.entity} {self.column}: told by message {self.message}"
