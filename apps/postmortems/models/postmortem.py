"""The filed review itself: words with a hash, whose lines others cite."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from apps.catalog.models import Service
from apps.postmortems.querysets import PostmortemQuerySet
from apps.postmortems.words import FACTORS, MANDATORY, TECHNICAL

if TYPE_CHECKING:
    from .statements import PostmortemLabel

MAX_TITLE = 200
MAX_NARRATIVE = 200_000
APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)

_MANDATORY = ", ".join(f"'{slug}'" for slug in MANDATORY)
# Asked at commit, when labels and statements are there.
_COMPLETE = f"""
    IF (SELECT count(DISTINCT t.vocabulary_id) FROM postmortems_postmortemlabel l
          JOIN catalog_term t ON t.id = l.term_id
         WHERE l.postmortem_id = NEW.id AND t.vocabulary_id IN ({_MANDATORY})) <> {len(MANDATORY)} THEN
        RAISE EXCEPTION 'a review has its mandatory labels (postmortems_postmortem)'
          USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.no_human_factor_reason !~ '\\S' AND NOT EXISTS (
        SELECT 1 FROM postmortems_postmortemlabel l JOIN catalog_term t ON t.id = l.term_id
         WHERE l.postmortem_id = NEW.id AND t.vocabulary_id = '{FACTORS}'
           AND t."group" <> '{TECHNICAL}') THEN
        RAISE EXCEPTION 'a review names a factor about people, or why there is none (postmortems_postmortem)'
          USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM postmortems_observation o WHERE o.postmortem_id = NEW.id) THEN
        RAISE EXCEPTION 'a review has an observation (postmortems_postmortem)'
          USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""  # noqa: S608  # codes of our own


class Postmortem(models.Model):
    """The review of one incident or near miss, or a text alone. Append-only, so that cited lines stay.

    The narrative of a review is composed of its parts (`composing`); that of a text is as it was sent.
    `sha256` is the hash of the narrative's UTF-8 bytes, 64 hex digits. `amends` is the version before.
    """

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        INCIDENT = "incident", "Incident review"
        NEAR_MISS = "near_miss", "Near miss review"

    title = models.CharField(max_length=MAX_TITLE)
    service = models.ForeignKey(Service, models.PROTECT, related_name="postmortems")
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.TEXT)
    incident = models.ForeignKey(
        "incidents.Incident", models.PROTECT, null=True, blank=True, related_name="postmortems"
    )
    amends = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="amended_by")
    summary = models.TextField(blank=True, default="")
    no_human_factor_reason = models.TextField(blank=True, default="")
    narrative = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="postmortems")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PostmortemQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="complete_when_filed",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                condition=pgtrigger.Condition("NEW.kind <> 'text'"),
                func=_COMPLETE,
            ),
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
            models.CheckConstraint(
                name="postmortem_kind_known", condition=Q(kind__in=["text", "incident", "near_miss"])
            ),
            models.CheckConstraint(
                name="postmortem_review_has_a_summary", condition=Q(kind="text") | Q(summary__regex=r"\S")
            ),
        ]

    def __str__(self) -> str:
        return f"postmortem {self.pk}"

    @property
    def is_review(self) -> bool:
        """Whether it has labels and statements, not words alone."""
        return self.kind != self.Kind.TEXT

    def line_count(self) -> int:
        """How many lines the narrative has, as an editor counts them."""
        return len(split_lines(self.narrative))

    def lines(self, first: int, last: int) -> str:
        """The lines `first` to `last` of the narrative, counted from 1, both included."""
        return "\n".join(split_lines(self.narrative)[first - 1 : last])

    def labels_by_field(self) -> dict[str, list[PostmortemLabel]]:
        """Labels by the slug of their vocabulary; costs no query after `with_parts()`."""
        found: dict[str, list[PostmortemLabel]] = {}
        for label in self.labels.all():
            found.setdefault(label.term.vocabulary_id, []).append(label)
        return found


def split_lines(narrative: str) -> list[str]:
    r"""The lines as an editor counts them: `\n`, `\r\n` and `\r` end a line; other separators do not."""
    return narrative.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 bytes, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()
