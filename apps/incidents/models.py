"""Incidents and near misses: what happened, when as far as known, and who said so."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.catalog.models import Service, Term
from apps.telemetry.models import Series

from .codes import EventKind, Kind, Origin, Precision, State, TimeKind, TimeStatus
from .metrics import Metric, TimeValue, metrics
from .querysets import IncidentQuerySet

MAX_TITLE = 200
MAX_SUMMARY = 20_000
MAX_SOURCE = 200
MAX_NOTE = 2_000

SEVERITY_IS_ONE = pgtrigger.Trigger(
    name="severity_is_a_severity",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    func=(
        "IF (SELECT vocabulary_id FROM catalog_term WHERE id = NEW.severity_id) <> 'severity' "
        "THEN RAISE EXCEPTION 'the severity of an incident is a term of severity' "
        "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
    ),
)
REMEDIATION_IS_ONE = pgtrigger.Trigger(
    name="remediation_is_a_remediation",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func=(
        "IF (SELECT vocabulary_id FROM catalog_term WHERE id = NEW.remediation_id) <> 'remediation' "
        "THEN RAISE EXCEPTION 'what was tried is a term of remediation' "
        "USING ERRCODE = 'check_violation'; END IF; RETURN NEW;"
    ),
)
# The rule spans rows, so it is checked once the transaction has written all of them. The incident is locked
# first: two transactions that each move one of two times see each other. Detection may come before the impact
# (an early alarm), and so may its answer; an end before the beginning, or before anybody noticed, may not.
TIMES_IN_ORDER = pgtrigger.Trigger(
    name="times_in_order",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.Update,
    timing=pgtrigger.Deferred,
    func="""
    PERFORM 1 FROM incidents_incident WHERE id = NEW.incident_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM incidents_incidenttime first JOIN incidents_incidenttime later
            ON later.incident_id = first.incident_id AND later.at < first.at
         WHERE first.incident_id = NEW.incident_id
           AND (first.kind, later.kind) IN (('impact_start', 'mitigated'), ('impact_start', 'resolved'),
                                            ('detected', 'resolved'))
    ) THEN
        RAISE EXCEPTION 'the times of incident % are not in order', NEW.incident_id
          USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
    """,
)


class Incident(models.Model):
    """A declared disruption, or a near miss.

    `occurred_at`: when the impact started if that is recorded, else when it was declared; lists and counts go
    by it. `version` rises with each change and tells an editor that somebody else was faster.
    """

    title = models.CharField(max_length=MAX_TITLE)
    service = models.ForeignKey(Service, models.PROTECT, related_name="incidents")
    severity = models.ForeignKey(Term, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.INCIDENT)
    origin = models.CharField(max_length=6, choices=Origin.choices, default=Origin.OWN)
    state = models.CharField(max_length=13, choices=State.choices, default=State.INVESTIGATING)
    summary = models.TextField(blank=True, default="")
    is_drill = models.BooleanField(default=False)
    is_holdout = models.BooleanField(default=False)
    series = models.ManyToManyField(Series, related_name="incidents", blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    occurred_at = models.DateTimeField(db_default=Now())
    version = models.PositiveIntegerField(default=1)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["origin", "-occurred_at", "-id"], name="incidents_newest"),
            models.Index(fields=["service", "-occurred_at"], name="incidents_of_service"),
        ]
        triggers: ClassVar = [SEVERITY_IS_ONE]
        constraints: ClassVar = [
            models.CheckConstraint(name="incident_has_title", condition=Q(title__regex=r"\S")),
            models.CheckConstraint(name="incident_kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="incident_origin_known", condition=Q(origin__in=Origin.values)),
            models.CheckConstraint(name="incident_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="incident_version_positive", condition=Q(version__gte=1)),
            models.CheckConstraint(
                name="incident_merged_into_one",
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
            ),
            models.CheckConstraint(
                name="incident_not_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return f"incident {self.pk}"

    def times_by_kind(self) -> dict[str, TimeValue]:
        """Each kind of time with its value; from what `with_times` loaded, else one query."""
        return {row.kind: row.value for row in self.times.all()}

    def time(self, kind: str) -> TimeValue:
        """One time; pending where nothing was ever said."""
        return self.times_by_kind().get(kind, TimeValue("pending"))

    def metrics(self) -> dict[str, Metric]:
        """Durations by code (ttd, tta, tte, ttm, ttr), each with seconds or the reason why not."""
        return metrics(self.times_by_kind())


class IncidentTime(models.Model):
    """One time of an incident. It is known, pending, not applicable, or known to be wrong: never guessed."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="times", db_index=False)
    kind = models.CharField(max_length=12, choices=TimeKind.choices)
    status = models.CharField(max_length=14, choices=TimeStatus.choices, default=TimeStatus.PENDING)
    at = models.DateTimeField(null=True, blank=True)
    source = models.CharField(max_length=MAX_SOURCE, blank=True, default="")
    precision = models.CharField(max_length=6, choices=Precision.choices, default=Precision.MINUTE)

    class Meta:
        triggers: ClassVar = [TIMES_IN_ORDER]
        constraints: ClassVar = [
            models.UniqueConstraint(name="incidenttime_once_a_kind", fields=["incident", "kind"]),
            models.CheckConstraint(name="incidenttime_kind_known", condition=Q(kind__in=TimeKind.values)),
            models.CheckConstraint(
                name="incidenttime_status_known", condition=Q(status__in=TimeStatus.values)
            ),
            models.CheckConstraint(
                name="incidenttime_precision_known", condition=Q(precision__in=Precision.values)
            ),
            models.CheckConstraint(
                name="incidenttime_at_when_recorded",
                condition=Q(status="recorded", at__isnull=False)
                | (~Q(status="recorded") & Q(at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.kind}: {self.status}"

    @property
    def value(self) -> TimeValue:
        return TimeValue(self.status, self.at, self.source, self.precision)


class IncidentEvent(models.Model):
    """What was done to an incident, by whom. Append-only; `changes` lists {field, before, after} as values.

    `version` is the incident's after the change, so the rows after a version are what an editor has missed.
    """

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="events", db_index=False)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=EventKind.choices)
    changes = models.JSONField(default=list)
    note = models.TextField(blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="incidentevent_once_a_version", fields=["incident", "version"]),
            models.CheckConstraint(name="incidentevent_kind_known", condition=Q(kind__in=EventKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} v{self.version} {self.kind}"

    def change(self, field: str) -> dict[str, Any] | None:
        """What this event did to one field."""
        return next((change for change in self.changes if change["field"] == field), None)


class RemediationAttempt(models.Model):
    """One try to end the harm, by a program or a person: what was done, when, how it went. Append-only.

    `remediation` is a term of that vocabulary. `reference` is the tool's own name of the try: told twice, it
    is one row. `outcome` is what the tool itself found; whether the incident ended without a human is read
    from the incident's times (`attempts.success_of`).
    """

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Not known"

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="attempts")
    remediation = models.ForeignKey(Term, models.PROTECT, related_name="+")
    automated = models.BooleanField()
    started_at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=Outcome.choices, default=Outcome.UNKNOWN)
    reference = models.CharField(max_length=MAX_SOURCE)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["started_at", "pk"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            REMEDIATION_IS_ONE,
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="attempt_once_a_reference", fields=["incident", "reference"]),
            models.CheckConstraint(
                name="attempt_outcome_known", condition=Q(outcome__in=["succeeded", "failed", "unknown"])
            ),
            models.CheckConstraint(name="attempt_has_a_reference", condition=Q(reference__regex=r"\S")),
        ]

    def __str__(self) -> str:
        return f"attempt {self.reference} at incident {self.incident_id}"


class PushedHistory(models.Model):
    """The facts of a service as they were last pushed, so that only changed ones are pushed again."""

    service = models.OneToOneField(Service, models.CASCADE, primary_key=True, related_name="+")
    values = models.JSONField()
    pushed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"history of {self.service_id}"
