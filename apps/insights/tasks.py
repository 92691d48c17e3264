"""Celery tasks of the insights room."""

from __future__ import annotations

from celery import shared_task

from . import stopping
from .services import observing


@shared_task(name="insights.expire")
def expire() -> int:
    """Expire what is due. Safe to run twice: an expired insight is not due any more."""
    return stopping.expire_insights()


@shared_task(name="insights.shadow")
def shadow() -> int:
    """Read what has arrived for shadow runs. Safe to run twice: a service-day is read once."""
    return observing.observe_all()
