"""Postmortems: what happened, in words whose lines can be cited."""

from __future__ import annotations

import hashlib
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from apps.catalog.models import Service

from .querysets import PostmortemQuerySet

MAX_TITLE = 200
MAX_NARRATIVE = 200_000


class Postmortem(models.Model):
    """The review of one incident. Immutable for now, so that cited lines stay what they were.

    `sha256` is the hash of the narrative's UTF-8 bytes, 64 hex digits.
    """

    title = models.CharField(max_length=MAX_TITLE)
    service = models.ForeignKey(Service, models.PROTECT, related_name="postmortems")
    narrative = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="postmortems")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PostmortemQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="postmortem_has_words", condition=Q(narrative__regex=r"\S")),
            models.CheckConstraint(
                name="postmortem_hash_is_of_its_words",
                condition=Q(
                    sha256=Func(
                        Func(Func(F("narrative"), Value("UTF8"), function="convert_to"), function="sha256"),
                        Value("hex"),
                        function="encode",
                        output_field=models.CharField(),
                    )
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"postmortem {self.pk}"

    def line_count(self) -> int:
        """How many lines the narrative has, as an editor counts them."""
        return len(split_lines(self.narrative))

    def lines(self, first: int, last: int) -> str:
        """The lines `first` to `last` of the narrative, counted from 1, both included."""
        return "\n".join(split_lines(self.narrative)[first - 1 : last])


def split_lines(narrative: str) -> list[str]:
    r"""The lines as an editor counts them: `\n`, `\r\n` and `\r` end a line; other separators do not."""
    return narrative.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
