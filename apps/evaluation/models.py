"""What was evaluated on what, for ever: splits by their hash, and results that name data, code and split.

Rows are appended, never edited: triggers refuse everything else, by whatever way it comes.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

HASH = r"^[0-9a-f]{64}$"
CODE_LENGTH = 100
WRITTEN = r"\S"

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class Split(models.Model):
    """What is held out: of each series the cut, the hash of the samples and the incidents.

    `id` is the SHA-256 of `canonical`, which the database checks: another membership is another split.
    """

    id = models.CharField(primary_key=True, max_length=64)
    canonical = models.TextField()  # canonical JSON, to the letter: a JSON column would reorder it
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="id_is_the_hash",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.id <> encode(sha256(convert_to(NEW.canonical, 'UTF8')), 'hex') THEN
                        RAISE EXCEPTION 'the id of a split is the SHA-256 of what it holds (evaluation_split)'
                          USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"split {self.id[:12]}"

    @property
    def description(self) -> dict[str, Any]:
        """What was registered; its `series` are the members."""
        found: dict[str, Any] = json.loads(self.canonical)
        return found


class SplitName(models.Model):
    """A word for a split. It means the same one for ever."""

    name = models.CharField(primary_key=True, max_length=100)
    split = models.ForeignKey(Split, models.PROTECT, related_name="names")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.CheckConstraint(name="evaluation_split_name_is_a_word", condition=Q(name__regex=WRITTEN)),
            models.CheckConstraint(name="evaluation_split_name_is_no_id", condition=~Q(name__regex=HASH)),
        ]

    def __str__(self) -> str:
        return f"{self.name}: split {self.split_id[:12]}"


class Result(models.Model):
    """Figures with what they rest on. `kind` is the pipeline that made them, `subject` what they are about.

    `data_hash`: SHA-256 over the samples and labels that were read; `code`: see `common.code`.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    split = models.ForeignKey(Split, models.PROTECT, related_name="results")
    code = models.CharField(max_length=CODE_LENGTH)
    data_hash = models.CharField(max_length=64)
    seed = models.BigIntegerField()
    figures = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        triggers: ClassVar = [APPEND_ONLY]
        indexes: ClassVar = [models.Index(fields=["kind", "subject"], name="evaluation_result_subject")]
        constraints: ClassVar = [
            models.CheckConstraint(name="evaluation_result_has_a_kind", condition=Q(kind__regex=WRITTEN)),
            models.CheckConstraint(
                name="evaluation_result_has_a_subject", condition=Q(subject__regex=WRITTEN)
            ),
            models.CheckConstraint(name="evaluation_result_has_code", condition=Q(code__regex=WRITTEN)),
            models.CheckConstraint(name="evaluation_result_has_data", condition=Q(data_hash__regex=HASH)),
            models.CheckConstraint(
                name="evaluation_result_has_figures", condition=~Q(figures={}) & ~Q(figures=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"


class Run(models.Model):
    """Work that was asked for: what, how far it is, and what came of it. A worker writes the rest.

    `question` is what the pipeline `kind` was asked; `requested_by` a name, since people may go. Once it has
    a result or an error it is over.
    """

    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    question = models.JSONField()
    requested_by = models.CharField(max_length=150)
    requested_at = models.DateTimeField(auto_now_add=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    result = models.OneToOneField(Result, models.PROTECT, null=True, related_name="run")
    error = models.TextField(default="", blank=True)

    class Meta:
        ordering: ClassVar = ["-pk"]
        indexes: ClassVar = [models.Index(fields=["kind", "subject"], name="evaluation_run_subject")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="evaluation_run_ends_once", condition=Q(result__isnull=True) | Q(error="")
            ),
            models.CheckConstraint(
                name="evaluation_run_says_what",
                condition=Q(kind__regex=WRITTEN, subject__regex=WRITTEN, requested_by__regex=WRITTEN),
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}: {self.kind} of {self.subject}"

    @property
    def state(self) -> str:
        """`measured`, `failed` or `pending`."""
        if self.result_id is not None:
            return "measured"
        return "failed" if self.error else "pending"
