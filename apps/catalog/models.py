"""Services and the versioned vocabularies that the rest of the system speaks."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

MAX_SLUG = 80
MAX_NAME = 120
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
