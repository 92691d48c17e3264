"""Insights, their immutable revisions, and what a revision needs before it may act.

An insight is a thread; everything that can be approved, served or traced is a *revision* of it. Revisions,
signals, gate results and approvals are append-only: the database refuses to change them, so what was approved
is what is served. `Activation` is the one row that makes a revision part of a release, and a trigger of the
database checks the two-person rule (design decision 5) even against raw SQL.
"""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q

from .querysets import InsightQuerySet

APPEND_ONLY = pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)


class Insight(models.Model):
    """A reviewed lesson. `revision` is the newest revision's number, `active_revision` the served one."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        APPROVED = "approved", "Approved"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    state = models.CharField(max_length=12, choices=State.choices, default=State.PROPOSED)
    revision = models.PositiveIntegerField(default=1)
    active_revision = models.PositiveIntegerField(null=True, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="insights")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InsightQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="insight_served_exactly_while_approved",
                condition=Q(state="approved", active_revision__isnull=False)
                | (~Q(state="approved") & Q(active_revision__isnull=True)),
            ),
            models.CheckConstraint(
                name="insight_serves_a_revision_it_has",
                condition=Q(active_revision__isnull=True) | Q(active_revision__lte=F("revision")),
            ),
        ]

    def __str__(self) -> str:
        return f"insight {self.pk}"


class Revision(models.Model):
    """What an insight says, at one number: text, scope, confidence and where it comes from. Never changed.

    `scope` is one of {"series": [ids]}, {"service": slug}, {"service": slug, "metric_family": family},
    {"fleet": true}. `document`, `sha256`, `first_line`, `last_line` and `excerpt` are the provenance: the
    lines count from 1 and include both ends. `digest` is the SHA-256 of all of it with the signals.
    """

    insight = models.ForeignKey(Insight, models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    recommendation = models.TextField()
    scope = models.JSONField()
    confidence = models.FloatField()
    document = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()
    excerpt = models.TextField()
    prose_reason = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["insight_id", "number"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="revision_number_once", fields=["insight", "number"]),
            models.CheckConstraint(
                name="revision_confidence_is_a_share", condition=Q(confidence__gt=0, confidence__lte=1)
            ),
            models.CheckConstraint(
                name="revision_lines_in_order", condition=Q(first_line__gte=1, last_line__gte=F("first_line"))
            ),
            models.CheckConstraint(
                name="revision_source_is_hashed", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"insight {self.insight_id} revision {self.number}"


class Signal(models.Model):
    """The typed, quantitative form of a revision: one kind, one value, and the feature columns it sets."""

    class Kind(models.TextChoices):
        THETA_SCALE = "theta_scale", "Threshold scale"
        DIRECTION = "direction", "Direction"
        MIN_EFFECT = "min_effect", "Minimum effect"
        PERSISTENCE = "persistence", "Persistence"
        BASELINE = "baseline", "Baseline"
        HARD_LIMIT = "hard_limit", "Hard limit"

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="signals")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    value = models.JSONField()
    columns = models.JSONField()

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="signal_kind_once_a_revision", fields=["revision", "kind"]),
            models.CheckConstraint(
                name="signal_kind_known",
                condition=Q(
                    kind__in=[
                        "theta_scale",
                        "direction",
                        "min_effect",
                        "persistence",
                        "baseline",
                        "hard_limit",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.revision}"


class GateResult(models.Model):
    """The backtest of one revision on the training slice. `report` has the figures, per series and summed."""

    class Verdict(models.TextChoices):
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        IMPOSSIBLE = "impossible", "Impossible"

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="gate_results")
    verdict = models.CharField(max_length=12, choices=Verdict.choices)
    reason = models.TextField()
    report = models.JSONField()
    split_hash = models.CharField(max_length=64)
    evaluated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [APPEND_ONLY]

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


class Approval(models.Model):
    """One person's yes to one revision. `as_operator`: the approver held the operator role at that moment."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="approvals")
    approver = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    as_operator = models.BooleanField()
    comment = models.TextField(blank=True)
    approved_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="not_by_its_author",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("authors", "bigint[]")],
                func="""
                SELECT array_agg(r.author_id) INTO authors FROM insights_revision r
                 WHERE r.insight_id = (SELECT insight_id FROM insights_revision WHERE id = NEW.revision_id);
                IF NEW.approver_id = ANY(authors) THEN
                    RAISE EXCEPTION 'an author cannot approve (insights_approval)'
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


class Activation(models.Model):
    """A revision became part of a release, once. The trigger refuses one without two approvals and a gate.

    `gate_result` is the verdict that it was activated with: a later backtest never changes what is served.
    A revision that was taken back comes again by a revert, or as a new revision with approvals of its own.
    """

    revision = models.OneToOneField(Revision, models.PROTECT, related_name="activation")
    release = models.PositiveBigIntegerField()
    operator_approval = models.ForeignKey(Approval, models.PROTECT, related_name="+")
    other_approval = models.ForeignKey(Approval, models.PROTECT, related_name="+")
    gate_result = models.ForeignKey(GateResult, models.PROTECT, related_name="+")
    activated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="two_people_and_a_gate",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("people", "int"), ("operators", "int"), ("gate", "text")],
                func="""
                SELECT count(DISTINCT approver_id),
                       count(*) FILTER (WHERE as_operator AND id = NEW.operator_approval_id)
                  INTO people, operators FROM insights_approval
                 WHERE revision_id = NEW.revision_id
                   AND id IN (NEW.operator_approval_id, NEW.other_approval_id);
                IF people <> 2 OR operators <> 1 THEN
                    RAISE EXCEPTION 'two people, one of them an operator, must approve (insights_activation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                SELECT verdict INTO gate FROM insights_gateresult
                 WHERE id = NEW.gate_result_id AND revision_id = NEW.revision_id;
                IF gate IS DISTINCT FROM 'passed'
                   AND NOT EXISTS (
                       SELECT 1 FROM insights_gateoverride WHERE revision_id = NEW.revision_id
                   ) THEN
                    RAISE EXCEPTION 'no passed gate and no override (insights_activation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision} since release {self.release}"


class ServedSignal(models.Model):
    """Which signals speak for which series, as resolved when their revision was activated. Append-only.

    They count while their revision is the active one of its insight. `specificity` orders competing signals:
    3 series, 2 service and metric family, 1 service, 0 fleet; among equals the later activation wins.
    """

    series = models.CharField(max_length=200)
    signal = models.ForeignKey(Signal, models.PROTECT, related_name="served")
    insight = models.ForeignKey(Insight, models.PROTECT, related_name="served")
    specificity = models.PositiveSmallIntegerField()

    class Meta:
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="served_signal_once_a_series", fields=["series", "signal"])
        ]
        indexes: ClassVar = [models.Index(name="served_signal_by_insight", fields=["insight"])]

    def __str__(self) -> str:
        return f"signal {self.signal_id} on {self.series}"
