"""Celery tasks of the impact room."""

from __future__ import annotations

from celery import shared_task

from . import due, reevaluating, watching


@shared_task(name="impact.measure_due")
def measure_due() -> int:
    """Have every action measured whose weeks in the field are over. Safe to run twice."""
    return due.ask()


@shared_task(name="impact.reevaluate")
def reevaluate() -> bool:
    """Open the task of a quarter without a verified gain, once. Safe to run twice."""
    return reevaluating.check() is not None


@shared_task(name="impact.watch")
def watch() -> int:
    """Look at every served insight. Safe to run twice: a day is read once, and looked at once."""
    return watching.watch_all()
