"""Services and the versioned vocabularies that the rest of the system speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MAX_SLUG = 80
MAX_NAME = 120
MAX_REASON = 500
MIN_WINDOW, MAX_WINDOW = 1, 1440  # minutes
SLUG_PATTERN = r"^[^\s/\\]([^/\\]*[^\s/\\])?$"


class Vocabulary(models.Model):
    """A list of codes with meanings. `version` rises with each change of its terms."""

    slug = models.CharField(max_length=40, primary_key=True)
    version = models.PositiveIntegerField(default=1)
    label = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"{self.slug} v{self.version}"


class Term(models.Model):
    """One code. It may be retired, never deleted or renamed: records that use it must stay readable.

    `group` tells apart kinds of terms within a vocabulary (technical, human, organisational factors).
    """

    vocabulary = models.ForeignKey(Vocabulary, on_delete=models.PROTECT, related_name="terms")
    code = models.CharField(max_length=60)
    label = models.CharField(max_length=120)
    definition = models.TextField()
    group = models.CharField(max_length=40, blank=True, default="")
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    retired = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["vocabulary", "code"], name="catalog_term_code_once"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="code_is_fixed", fields=["vocabulary", "code"]),
        ]

    def __str__(self) -> str:
        return f"{self.vocabulary_id}: {self.code}"


class Service(models.Model):
    """What fails and is watched. Its slug is also the first part of a series id."""

    slug = models.CharField(max_length=MAX_SLUG, unique=True)
    name = models.CharField(max_length=MAX_NAME, blank=True, default="")
    tier = models.ForeignKey(Term, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        "accounts.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="services"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(slug__regex=SLUG_PATTERN) & ~models.Q(slug__in=[".", ".."]),
                name="catalog_service_slug",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="tier_is_a_tier",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.tier_id IS NOT NULL"),
                func=(
                    "IF (SELECT vocabulary_id FROM catalog_term WHERE id = NEW.tier_id) <> 'service_tier' "
                    "THEN RAISE EXCEPTION 'the tier of a service is a term of service_tier' "
                    "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class ProtectedWindowQuerySet(models.QuerySet["ProtectedWindow"]):
    """Protected windows as a user may see them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Everybody who is signed in: who is refused must be able to read why."""
        return self if user.is_authenticated else self.none()

    def with_names(self) -> Self:
        """Service and people loaded, for lists."""
        return self.select_related("service", "created_by", "ended_by")


class ProtectedWindow(models.Model):
    """Times in which no experiment may begin or count: a sale, a freeze, every Monday morning.

    Of one service, or of the whole fleet where `service` is null. Either one stretch, [start_at, end_at); or
    `rrule` (RFC 5545) with `duration_min`, in minutes, counted from `start_at` on and, if given, up to
    `end_at`. Ended early it protects nothing from `ended_at` on; what it said is never changed.
    """

    service = models.ForeignKey(
        Service, on_delete=models.PROTECT, null=True, blank=True, related_name="windows"
    )
    start_at = models.DateTimeField()
    end_at = models.DateTimeField(null=True, blank=True)
    rrule = models.TextField(blank=True, default="")
    duration_min = models.PositiveIntegerField(null=True, blank=True)
    reason = models.CharField(max_length=MAX_REASON)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ProtectedWindowQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="catalog_window_once_or_by_rule",
                condition=Q(rrule="", duration_min__isnull=True, end_at__isnull=False)
                | (~Q(rrule="") & Q(duration_min__range=(MIN_WINDOW, MAX_WINDOW))),
            ),
            models.CheckConstraint(
                name="catalog_window_ends_after_it_starts",
                condition=Q(end_at__isnull=True) | Q(end_at__gt=models.F("start_at")),
            ),
            models.CheckConstraint(name="catalog_window_says_why", condition=Q(reason__regex=r"\S")),
            models.CheckConstraint(
                name="catalog_window_ended_by_somebody",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="said_once",
                fields=[
                    *("service", "start_at", "end_at", "rrule", "duration_min"),
                    *("reason", "created_by", "created_at"),
                ],
            ),
            pgtrigger.Protect(
                name="ended_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.ended_at IS NOT NULL"),
            ),
        ]

    def __str__(self) -> str:
        return f"window {self.pk} of {self.service_id or 'the fleet'}"
