"""Outbox: what must happen. Ledger: what has. Heartbeat: who lives. Idempotency: what was answered."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models.functions import Now

HEX_DIGEST = 64
GENESIS = "0" * HEX_DIGEST


class OutboxState(models.TextChoices):
    PENDING = "pending"
    CLAIMED = "claimed"
    DONE = "done"
    DEAD = "dead"


class Outbox(models.Model):
    """One effect that follows a commit. `attempts` counts claims and fences; `failures` counts errors."""

    kind = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    payload = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now())
    not_before = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    # The owner is a database session; PostgreSQL itself knows whether that still lives.
    owner_pid = models.IntegerField(null=True)
    owner_start = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="", blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "key"], name="audit_outbox_kind_key"),
            models.CheckConstraint(
                condition=models.Q(state__in=OutboxState.values), name="audit_outbox_state"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="claimed")
                | models.Q(
                    claimed_at__isnull=False,
                    lease_until__isnull=False,
                    owner_pid__isnull=False,
                    owner_start__isnull=False,
                ),
                name="audit_outbox_claim_has_owner",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["id"], name="audit_outbox_open", condition=models.Q(state__in=["pending", "claimed"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.state}"


class AuditRecord(models.Model):
    """One line of the ledger. `id` has no gaps: it is taken under the chain's lock, not from a sequence."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    action = models.CharField(max_length=80)
    object_type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=255)
    # Canonical JSON as text: jsonb would rewrite numbers, and the hash would no longer match.
    data = models.TextField()
    prev = models.CharField(max_length=HEX_DIGEST, unique=True)  # unique: the chain cannot fork
    hash = models.CharField(max_length=HEX_DIGEST, unique=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["object_type", "object_id"], name="audit_record_object")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            # The test suite empties its tables between tests; nothing else sets this session variable.
            pgtrigger.Trigger(
                name="no_truncate",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func=(
                    "IF current_setting('aftercast.truncate', true) = 'allowed' THEN RETURN NULL; END IF; "
                    "RAISE EXCEPTION 'the audit ledger is append-only';"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.actor} {self.action} {self.object_type}/{self.object_id}"

    def content(self) -> dict[str, Any]:
        """`data` as values."""
        loaded: dict[str, Any] = json.loads(self.data)
        return loaded


class Heartbeat(models.Model):
    """When a worker was last seen, by the database's clock."""

    worker = models.CharField(max_length=120, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.worker} {self.seen_at:%H:%M:%S}"


class IdempotencyRecord(models.Model):
    """The answer to one POST, kept with its effect in one transaction."""

    actor = models.CharField(max_length=40)  # id of the person, as text: this room knows no people
    key = models.CharField(max_length=255)
    request_hash = models.CharField(max_length=HEX_DIGEST)
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=120)
    body = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "key"], name="audit_idempotency_actor_key"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="audit_idempotency_age")]

    def __str__(self) -> str:
        return f"{self.actor} {self.key}: {self.status}"
