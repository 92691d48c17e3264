"""What people and the gate say of a revision. All but the scores are append-only."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from .lessons import Revision
from .protection import APPEND_ONLY


class GateResult(models.Model):
    """The backtest of one revision on the training slice. `report` has the figures, per series and summed.

    `code` ran it (see `common.code`); `data_hash` covers the samples that it read, `split_hash` these with
    cuts and incidents. Both are empty only where nothing could be replayed. Rows from before these were kept
    say "unknown:…".
    """

    class Verdict(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        IMPOSSIBLE = "impossible", "Impossible"

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="gate_results")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    reason = models.TextField()
    report = models.JSONField()
    split_hash = models.CharField(max_length=64)
    data_hash = models.CharField(max_length=64)
    code = models.CharField(max_length=100)
    evaluated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.CheckConstraint(name="gate_result_has_code", condition=Q(code__regex=r"\S")),
            models.CheckConstraint(
                name="gate_result_has_data_and_split",
                condition=Q(verdict="impossible") | Q(data_hash__regex=r"\S", split_hash__regex=r"\S"),
            ),
        ]

    def __str__(self) -> str:
        return f"gate {self.verdict} for {self.revision}"


class Score(models.Model):
    """One rater's rubric, 1 to 5 each (A28). A rater may think again: the newest values count."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="scores")
    rater = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    relevance = models.PositiveSmallIntegerField()
    timeliness = models.PositiveSmallIntegerField()
    breadth = models.PositiveSmallIntegerField()
    actionability = models.PositiveSmallIntegerField()
    scored_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="score_once_a_rater", fields=["revision", "rater"]),
            models.CheckConstraint(
                name="score_between_1_and_5",
                condition=Q(
                    relevance__range=(1, 5),
                    timeliness__range=(1, 5),
                    breadth__range=(1, 5),
                    actionability__range=(1, 5),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"score of {self.revision} by {self.rater_id}"

    @property
    def mean(self) -> float:
        """Mean of the four marks, 1 to 5."""
        return (self.relevance + self.timeliness + self.breadth + self.actionability) / 4


class GateOverride(models.Model):
    """Why a revision may act although its backtest failed or could not run. Shown for ever (decision 5)."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="overrides")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.CheckConstraint(name="override_says_why", condition=Q(reason__regex=r"\S"))
        ]

    def __str__(self) -> str:
        return f"override of {self.revision}"


def not_by_an_author(*, column: str, verb: str, table: str) -> pgtrigger.Trigger:
    """Refuses a row whose person wrote any revision of the insight that its revision belongs to."""
    return pgtrigger.Trigger(
        name="not_by_its_author",
        operation=pgtrigger.Insert,
        when=pgtrigger.Before,
        declare=[("authors", "bigint[]")],
        func=f"""
                SELECT array_agg(r.author_id) INTO authors FROM insights_revision r
                 WHERE r.insight_id = (SELECT insight_id FROM insights_revision WHERE id = NEW.revision_id);
                IF NEW.{column} = ANY(authors) THEN
                    RAISE EXCEPTION 'an author cannot {verb} ({table})'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,  # noqa: S608  # names of our own
    )


class Decision(models.Model):
    """A no to one revision, with its reason; or a reviewer's word that a no no longer stands. Append-only.

    The newest decision about a revision stands: after "changes_requested" or "rejected" it cannot be
    approved, until somebody revises the insight (a new revision has no decision) or a reviewer reopens it.
    """

    class Kind(models.TextChoices):
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        REOPENED = "reopened", "Reopened"

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="decisions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            not_by_an_author(column="person_id", verb="decide", table="insights_decision"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="decision_says_why", condition=Q(reason__regex=r"\S")),
            models.CheckConstraint(
                name="decision_kind_known",
                condition=Q(kind__in=["changes_requested", "rejected", "reopened"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.revision} by {self.person_id}"


class Approval(models.Model):
    """One person's yes to one revision. `as_operator`: the approver held the operator role at that moment."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    as_operator = models.BooleanField()
    comment = models.TextField(blank=True)
    missteps_read = ArrayField(models.BigIntegerField(), default=list)  # of near signals, as the approver saw
    approved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            not_by_an_author(column="approver_id", verb="approve", table="insights_approval"),
            pgtrigger.Trigger(
                name="not_what_was_turned_down",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("standing", "text")],
                func="""
                SELECT kind INTO standing FROM insights_decision
                 WHERE revision_id = NEW.revision_id ORDER BY id DESC LIMIT 1;
                IF standing IN ('changes_requested', 'rejected') THEN
                    RAISE EXCEPTION 'this revision was turned down (insights_approval)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="not_by_who_lifted_its_cap",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                IF EXISTS (SELECT 1 FROM insights_influencelift
                            WHERE revision_id = NEW.revision_id AND operator_id = NEW.approver_id) THEN
                    RAISE EXCEPTION 'who lifted its cap cannot approve (insights_approval)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="approval_once_a_person", fields=["revision", "approver"])
        ]

    def __str__(self) -> str:
        return f"approval of {self.revision} by {self.approver_id}"
