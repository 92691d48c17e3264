"""Reviews being written: saved as one types, by one or several people."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.postmortems.querysets import DraftQuerySet

from .postmortem import APPEND_ONLY, Postmortem

MAX_STEP = 20


class Draft(models.Model):
    """What has been typed so far: `data` in the form of `content`, `version` rises with each saved change."""

    class State(models.TextChoices):
        OPEN = "open", "Draft"
        FILED = "filed", "Filed"
        DISCARDED = "discarded", "Discarded"

    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    incident = models.ForeignKey(
        "incidents.Incident", models.PROTECT, null=True, blank=True, related_name="+"
    )
    amends = models.ForeignKey(Postmortem, models.PROTECT, null=True, blank=True, related_name="+")
    data = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    step = models.CharField(max_length=MAX_STEP, default="what")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    filed_as = models.OneToOneField(Postmortem, models.PROTECT, null=True, blank=True, related_name="draft")
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = DraftQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-updated_at", "-pk"]
        triggers: ClassVar = [pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="draft_filed_is_a_postmortem",
                condition=Q(state="filed", filed_as__isnull=False)
                | Q(state__in=["open", "discarded"], filed_as__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"draft {self.pk}"

    @property
    def title(self) -> str:
        """What it is called so far."""
        return str(self.data.get("title") or "").strip() or "Untitled"


class DraftHistory(models.Model):
    """What a draft said: saved states, kept before a change by somebody else or about once a minute, and what
    was set aside because somebody else had changed the same field.
    """

    class Kind(models.TextChoices):
        SAVED = "saved", "Saved"
        SET_ASIDE = "set_aside", "Set aside"

    draft = models.ForeignKey(Draft, models.PROTECT, related_name="history")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SAVED)
    version = models.PositiveIntegerField()
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    data = models.JSONField()
    saved_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="draft_history_version_once", fields=["draft", "version"], condition=Q(kind="saved")
            ),
            models.CheckConstraint(
                name="draft_history_kind_known", condition=Q(kind__in=["saved", "set_aside"])
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of {self.draft}"
