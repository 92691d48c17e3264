"""Notices: what a person should know, once each, and which of them are not wanted as mail."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

LOCAL_PATH = r"^(/([^/\\]|$)|$)"  # empty, or a path of ours; `//host` and `/\host` lead elsewhere
MAX_KIND = 80
MAX_TITLE = 200
MAX_KEY = 255
MAX_URL = 500


class Notice(models.Model):
    """One thing for one person to know; `key` is the same for the same thing, so it is told once."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=MAX_KIND)
    title = models.CharField(max_length=MAX_TITLE)
    text = models.TextField(default="", blank=True)
    url = models.CharField(max_length=MAX_URL, default="", blank=True)
    key = models.CharField(max_length=MAX_KEY)
    created_at = models.DateTimeField(db_default=Now())
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    is_read = models.GeneratedField(
        expression=models.Q(read_at__isnull=False),  # type: ignore[arg-type]  # a condition is one too
        output_field=models.BooleanField(),
        db_persist=True,
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "key"], name="notices_notice_once"),
            models.CheckConstraint(condition=models.Q(url__regex=LOCAL_PATH), name="notices_notice_local"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["person", "is_read", "-id"], name="notices_notice_list"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind}: {self.title}"


class MutedMail(models.Model):
    """A person does not want notices of this kind as mail; they still stand on the page."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="muted_mail")
    kind = models.CharField(max_length=MAX_KIND)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person", "kind"], name="notices_mutedmail_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: no mail of {self.kind}"
