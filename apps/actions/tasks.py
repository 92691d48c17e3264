"""Celery tasks of the actions room."""

from __future__ import annotations

from celery import shared_task

from . import reminders
from .trackers import waiting


@shared_task(name="actions.remind")
def remind() -> int:
    """Remind owners of what is due. Safe to run twice: a notice is told once."""
    return reminders.remind()


@shared_task(name="actions.sync_issues")
def sync_issues() -> int:
    """Try again what a tracker refused, when its time has come."""
    return waiting.ask_again()
