"""What an insight says: the thread, its immutable revisions and their signals."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.insights.querysets import InsightQuerySet
from apps.postmortems.models import Postmortem, Recommendation

from .protection import APPEND_ONLY


class Insight(models.Model):
    """A reviewed lesson. `revision` is the newest revision's number, `active_revision` the served one.

    "shadow": nothing is served, and a shadow run of the newest revision is going on.

    While something is served the state is "approved", also when a newer revision waits or was turned down:
    what became of each revision is told by its approvals and decisions.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        SHADOW = "shadow", "Shadow"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        APPROVED = "approved", "Approved"
        WITHDRAWN = "withdrawn", "Withdrawn"
        EXPIRED = "expired", "Expired"

    state = models.CharField(max_length=20, choices=State.choices, default=State.PROPOSED)
    revision = models.PositiveIntegerField(default=1)
    active_revision = models.PositiveIntegerField(null=True, blank=True)
    newest_rows: list[Revision]  # filled by `with_newest()`
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
            models.CheckConstraint(
                name="insight_state_known",
                condition=Q(
                    state__in=[
                        "proposed",
                        "shadow",
                        "changes_requested",
                        "rejected",
                        "approved",
                        "withdrawn",
                        "expired",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"insight {self.pk}"


class Objective(models.TextChoices):
    """What an insight is for (A29)."""

    RELIABILITY = "reliability", "Reliability"
    CUSTOMER_IMPACT = "customer_impact", "Customer impact"
    COST_EFFICIENCY = "cost_efficiency", "Cost efficiency"


def for_reliability() -> list[str]:
    """The objective of an insight that names none."""
    return [Objective.RELIABILITY.value]


class Revision(models.Model):
    """What an insight says, at one number: text, scope, confidence and where it comes from. Never changed.

    `scope` is one of {"series": [ids]}, {"service": slug}, {"service": slug, "metric_family": family},
    {"fleet": true}. `document`, `sha256`, `first_line`, `last_line` and `excerpt` are the provenance: the
    lines count from 1 and include both ends. `digest` is the SHA-256 of all of it with the signals.
    `source_postmortem` is the same source as a row, where it is a postmortem of this installation;
    `source_recommendation` the recommendation whose lines are cited, where they are those of one.
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
    source_postmortem = models.ForeignKey(
        Postmortem, models.PROTECT, null=True, blank=True, related_name="cited_by"
    )
    source_recommendation = models.ForeignKey(
        Recommendation, models.PROTECT, null=True, blank=True, related_name="cited_by"
    )
    prose_reason = models.TextField(blank=True)
    objectives = ArrayField(models.CharField(max_length=20), default=for_reliability)
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
            models.CheckConstraint(
                name="revision_serves_an_objective",
                condition=Q(
                    objectives__contained_by=["reliability", "customer_impact", "cost_efficiency"],
                    objectives__len__gt=0,
                ),
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
        SUPPRESS = "suppress", "Suppression"
        CALENDAR_EXCEPTION = "calendar_exception", "Calendar exception"

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
                        "suppress",
                        "calendar_exception",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.revision}"
