"""What a worker does for this room: "go and look", nothing more."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection

from . import heartbeat, idempotency, outbox


@shared_task(name="audit.drain")
def drain() -> int:
    """Do what the outbox holds."""
    return outbox.drain()


@shared_task(name="audit.heartbeat")
def beat() -> None:
    """Write that this worker lives."""
    heartbeat.write()


@worker_ready.connect
def first_beat(**_: Any) -> None:
    """A worker that has just started is healthy at once, not after the first beat."""
    heartbeat.write()
    connection.close()  # the parent process forks later, and no child may share its session


@shared_task(name="audit.forget_answers")
def forget_answers() -> int:
    """Drop stored answers that are past their time."""
    return idempotency.forget_old()
