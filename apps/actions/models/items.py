"""Action items: what somebody will do about what was learnt, by when, and how its effect will be measured."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.actions.querysets import ActionQuerySet
from apps.catalog.models import Service

from .choices import (
    FIELD_METRICS,
    GIVEN_UP,
    LONGEST_SETTLING,
    LONGEST_WINDOW,
    MAX_NOTE,
    MAX_TITLE,
    MAX_USERNAME,
    SETTLE_DAYS,
    SHORTEST_WINDOW,
    TESTS,
    TO_DO,
    WINDOW_DAYS,
    Direction,
    Kind,
    Metric,
    State,
    Test,
)

CRITERION = (
    "insight_id",
    "metric",
    "direction",
    "smallest_effect",
    "population",
    "window_days",
    "settle_days",
    "test",
)
"""The fields that say beforehand how an action is judged."""


def _criterion_trigger() -> pgtrigger.Trigger:
    """Nobody chooses a yardstick with the answer in sight, or says that it was chosen earlier."""
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in CRITERION)
    return pgtrigger.Trigger(
        name="criterion_before_done",
        when=pgtrigger.Before,
        operation=pgtrigger.Update,
        func=f"""
            IF {changed} THEN
                IF OLD.state = 'done' OR NEW.state = 'done' THEN
                    RAISE EXCEPTION 'the criterion of a done action cannot change'
                        USING ERRCODE = 'check_violation';
                END IF;
                IF NEW.criterion_registered_at IS NOT NULL
                   AND NEW.criterion_registered_at <= OLD.criterion_registered_at THEN
                    RAISE EXCEPTION 'a changed criterion is registered anew'
                        USING ERRCODE = 'check_violation';
                END IF;
            ELSIF OLD.criterion_registered_at IS DISTINCT FROM NEW.criterion_registered_at THEN
                RAISE EXCEPTION 'a criterion is registered when it changes, and not otherwise'
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        """,
    )


class ActionItem(models.Model):
    """One thing to do, one owner, one due date.

    `postmortem_id` and `insight_id` are values: those rooms stand above. `turn` counts how often it was done;
    each turn is measured once. `version` rises with every change, so that a stale form is noticed.

    The criterion: `metric` in `direction` by at least `smallest_effect` (a share of false alarms, of a count
    or of a duration saved; a difference of shares; of time to detect seconds), over the services of
    `population` ({"services": [slug, …]}; empty where the insight's scope says it), `window_days` before and
    after, the first `settle_days` left out, judged by `test`. It was registered at `criterion_registered_at`,
    before `done_at`, and stays as it was then.
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
    population = models.JSONField(default=dict, blank=True)
    window_days = models.PositiveSmallIntegerField(default=WINDOW_DAYS)
    settle_days = models.PositiveSmallIntegerField(default=SETTLE_DAYS)
    test = models.CharField(max_length=20, choices=Test.choices, blank=True, default="")
    criterion_registered_at = models.DateTimeField(null=True, blank=True)
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
        triggers: ClassVar = [_criterion_trigger()]
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
                name="action_smallest_effect_a_share",
                condition=Q(smallest_effect__isnull=True)
                | Q(smallest_effect__lt=1)
                | Q(metric__in=[Metric.TIME_TO_DETECT]),
            ),
            models.CheckConstraint(
                name="action_test_fits_the_metric",
                condition=reduce(or_, (Q(metric=m, test__in=[*tests]) for m, tests in TESTS.items()))
                | Q(metric="", test=""),
            ),
            models.CheckConstraint(
                name="action_window_in_range",
                condition=Q(window_days__gte=SHORTEST_WINDOW, window_days__lte=LONGEST_WINDOW),
            ),
            models.CheckConstraint(
                name="action_settling_in_range", condition=Q(settle_days__lte=LONGEST_SETTLING)
            ),
            models.CheckConstraint(
                name="action_field_metric_has_a_population",
                condition=~Q(metric__in=[*FIELD_METRICS]) | Q(population__services__0__isnull=False),
            ),
            models.CheckConstraint(
                name="action_criterion_registered",
                condition=Q(metric="", criterion_registered_at__isnull=True)
                | (~Q(metric="") & Q(criterion_registered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="action_criterion_before_done",
                condition=Q(done_at__isnull=True)
                | Q(criterion_registered_at__isnull=True)
                | Q(criterion_registered_at__lt=models.F("done_at")),
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
        LINKED = "linked", "Linked to an issue"
        UNLINKED = "unlinked", "Taken off its issue"
        SYNCED = "synced", "Heard from its issue"

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
                    kind__in=[
                        *("opened", "amended", "reassigned", "started", "done", "dropped", "reopened"),
                        *("linked", "unlinked", "synced"),
                    ]
                ),
            )
        ]

    def __str__(self) -> str:
        return f"{self.action_id}: {self.kind}"
