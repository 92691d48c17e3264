"""Celery tasks of the insights room."""

from __future__ import annotations

from celery import shared_task

from . import stopping


@shared_task(name="insights.expire")
def expire() -> int:
    """Expire what is due. Safe to run twice: an expired insight is not due any more."""
    return stopping.expire_insights()
