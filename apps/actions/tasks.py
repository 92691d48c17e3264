"""Celery tasks of the actions room."""

from __future__ import annotations

from celery import shared_task

from . import reminders


@shared_task(name="actions.remind")
def remind() -> int:
    """Remind owners of what is due. Safe to run twice: a notice is told once."""
    return reminders.remind()
