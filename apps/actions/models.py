"""Action items: what somebody will do about what was learnt, by when, and how its effect will be measured."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.catalog.models import Service

from .querysets import ActionQuerySet

MAX_TITLE = 200
MAX_NOTE = 2000
MAX_USERNAME = 150


class Kind(models.TextChoices):
    """What an action is for, after Google's and the SRE literature's lists."""

    DETECT = "detect", "Detect"
    MITIGATE = "mitigate", "Mitigate"
    PREVENT = "prevent", "Prevent"
    PROCESS = "process", "Process"
    INVESTIGATE = "investigate", "Investigate"
    REPAIR = "repair", "Repair"


class State(models.TextChoices):
    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    NOT_DOING = "not_doing", "Not doing"
    CANCELLED = "cancelled", "Cancelled"


class Metric(models.TextChoices):
    """What the action is meant to move: figures that a replay of an insight can measure."""

    FALSE_ALARMS = "false_alarms_per_day", "False alarms per day"
    RECALL = "recall", "Share of incidents caught"
    TIME_TO_DETECT = "time_to_detect", "Time to detect"


class Direction(models.TextChoices):
    DOWN = "down", "Down"
    UP = "up", "Up"


TO_DO = (State.OPEN, State.IN_PROGRESS)
GIVEN_UP = (State.NOT_DOING, State.CANCELLED)
BETTER = {
    Metric.FALSE_ALARMS: Direction.DOWN,
    Metric.RECALL: Direction.UP,
    Metric.TIME_TO_DETECT: Direction.DOWN,
}
"""The direction in which each metric improves."""


class ActionItem(models.Model):
    """One thing to do, one owner, one due date.

    `postmortem_id` and `insight_id` are values: those rooms stand above. `turn` counts how often it was done;
    each turn is measured once. `version` rises with every change, so that a stale form is noticed.
    """

    title = models.CharField(max_length=MAX_TITLE)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.MITIGATE)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="actions")
    due_on = models.DateField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    service = models.ForeignKey(Service, models.PROTECT, null=True, blank=True, related_name="actions")
    postmortem_id = models.PositiveBigIntegerField(null=True, blank=True, db_index=True)
    insight_id = models.PositiveBigIntegerField(null=True, blank=True, db_index=True)
    metric = models.CharField(max_length=30, choices=Metric.choices, blank=True, default="")
    direction = models.CharField(max_length=4, choices=Direction.choices, blank=True, default="")
    smallest_effect = models.FloatField(null=True, blank=True)
    rank = models.PositiveIntegerField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    turn = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=MAX_NOTE, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["due_on", "pk"]
        indexes: ClassVar = [
            models.Index(name="action_open_by_due", fields=["due_on", "id"], condition=Q(state__in=[*TO_DO])),
            models.Index(name="action_by_owner", fields=["owner", "due_on"]),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(name="action_has_a_title", condition=Q(title__regex=r"\S")),
            models.CheckConstraint(name="action_kind_known", condition=Q(kind__in=[*Kind])),
            models.CheckConstraint(name="action_state_known", condition=Q(state__in=[*State])),
            models.CheckConstraint(name="action_metric_known", condition=Q(metric__in=["", *Metric])),
            models.CheckConstraint(
                name="action_direction_known", condition=Q(direction__in=["", *Direction])
            ),
            models.CheckConstraint(
                name="action_done_has_time_and_person",
                condition=Q(state="done", done_at__isnull=False, done_by__isnull=False, turn__gte=1)
                | (~Q(state="done") & Q(done_at__isnull=True, done_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="action_given_up_says_why",
                condition=Q(state__in=[*GIVEN_UP], reason__regex=r"\S")
                | (~Q(state__in=[*GIVEN_UP]) & Q(reason="")),
            ),
            models.CheckConstraint(
                name="action_metric_goes_with_direction",
                condition=Q(metric="", direction="") | (~Q(metric="") & ~Q(direction="")),
            ),
            models.CheckConstraint(
                name="action_on_an_insight_is_measurable",
                condition=Q(insight_id__isnull=True) | ~Q(metric=""),
            ),
            models.CheckConstraint(
                name="action_smallest_effect_positive",
                condition=Q(smallest_effect__isnull=True)
                | Q(smallest_effect__gt=0, smallest_effect__lt=float("inf")),
            ),
            models.CheckConstraint(
                name="action_rank_from_one", condition=Q(rank__isnull=True) | Q(rank__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"action {self.pk}"

    @property
    def is_to_do(self) -> bool:
        """Open or in progress."""
        return self.state in TO_DO


class ActionEvent(models.Model):
    """One line of an action's history. Append-only; `actor` is a value, as in the ledger."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        AMENDED = "amended", "Changed"
        REASSIGNED = "reassigned", "Reassigned"
        STARTED = "started", "Started"
        DONE = "done", "Done"
        DROPPED = "dropped", "Dropped"
        REOPENED = "reopened", "Opened again"

    action = models.ForeignKey(ActionItem, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    actor = models.CharField(max_length=MAX_USERNAME)
    note = models.CharField(max_length=MAX_NOTE, blank=True, default="")
    changes = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="action_event_kind_known",
                condition=Q(
                    kind__in=["opened", "amended", "reassigned", "started", "done", "dropped", "reopened"]
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.action_id}: {self.kind}"
