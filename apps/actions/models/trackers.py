"""Issue trackers of others, the issues that actions are linked to, and what was delivered by them."""

from __future__ import annotations

import uuid
from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .items import ActionItem

MAX_TRACKER_NAME = 80
MAX_URL = 300
MAX_PROJECT = 200
MAX_KEY = 60
MAX_LOGIN = 150


class Tracker(models.Model):
    """One repository or project of an issue tracker. `token` and `hook_secret` are sealed.

    `key` is the part of the webhook's address that nobody can guess. `removed_at` ends it: its secrets are
    wiped, its links stay as a record.
    """

    class Kind(models.TextChoices):
        GITHUB = "github", "GitHub"
        JIRA = "jira", "Jira"

    name = models.CharField(max_length=MAX_TRACKER_NAME)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    base_url = models.CharField(max_length=MAX_URL)
    project = models.CharField(max_length=MAX_PROJECT)
    account = models.CharField(max_length=MAX_LOGIN, blank=True, default="")
    issue_type = models.CharField(max_length=60, default="Task")
    token = models.TextField()
    hook_secret = models.TextField()
    key = models.UUIDField(default=uuid.uuid4, unique=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="tracker_name_once", fields=["name"], condition=Q(removed_at__isnull=True)
            ),
            models.CheckConstraint(name="tracker_kind_known", condition=Q(kind__in=["github", "jira"])),
            models.CheckConstraint(name="tracker_by_http", condition=Q(base_url__regex=r"^https?://")),
            models.CheckConstraint(
                name="tracker_secrets_while_it_lives",
                condition=Q(removed_at__isnull=True) & ~Q(token="") & ~Q(hook_secret="")
                | Q(removed_at__isnull=False, token="", hook_secret=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TrackerPerson(models.Model):
    """Who somebody of ours is over there: a GitHub login, or a Jira account id or user name."""

    tracker = models.ForeignKey(Tracker, models.CASCADE, related_name="people")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    login = models.CharField(max_length=MAX_LOGIN)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="tracker_person_once", fields=["tracker", "person"]),
            models.UniqueConstraint(name="tracker_login_once", fields=["tracker", "login"]),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.login}"


class IssueLink(models.Model):
    """An action's issue in a tracker.

    `marker` is written into the issue when we create it, so that a repeated attempt finds it. `key` is the
    number or key there, empty until it exists. `changed` holds the moment at which each field (title, state,
    owner, due_on) was last changed on either side; a change older than that is not applied. `pending` is what
    must still be told: {field: moment of the change, "comment:…": text}. `sent` is what we told last of
    each field, by which our own words are known when they come back. `retry_at` is when a failed call is
    tried again; `awaits_reason` says how it was closed there undone, until somebody says why here.
    """

    action = models.ForeignKey(ActionItem, models.PROTECT, related_name="links")
    tracker = models.ForeignKey(Tracker, models.PROTECT, related_name="links")
    marker = models.UUIDField(default=uuid.uuid4, unique=True)
    key = models.CharField(max_length=MAX_KEY, blank=True, default="")
    url = models.CharField(max_length=500, blank=True, default="")
    remote_state = models.CharField(max_length=60, blank=True, default="")
    remote_title = models.CharField(max_length=300, blank=True, default="")
    awaits_reason = models.CharField(max_length=60, blank=True, default="")
    changed = models.JSONField(default=dict)
    pending = models.JSONField(default=dict)
    sent = models.JSONField(default=dict)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, default="")
    synced_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                name="action_has_one_issue", fields=["action"], condition=Q(removed_at__isnull=True)
            ),
            models.UniqueConstraint(
                name="issue_linked_once",
                fields=["tracker", "key"],
                condition=Q(removed_at__isnull=True) & ~Q(key=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action_id}: {self.key or 'not there yet'}"


class TrackerDelivery(models.Model):
    """One signed delivery that was taken, so that no second one of it is. Append-only.

    `delivery` is the sender's identifier, `digest` the SHA-256 of the body: the identifier is not covered by
    the signature, so a recorded body under a new identifier is known by its digest.
    """

    tracker = models.ForeignKey(Tracker, models.PROTECT, related_name="deliveries")
    delivery = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    event = models.CharField(max_length=60)
    outcome = models.CharField(max_length=300)
    received_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(name="delivery_once", fields=["tracker", "delivery"]),
            models.UniqueConstraint(name="delivery_body_once", fields=["tracker", "digest"]),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id}: {self.delivery}"
