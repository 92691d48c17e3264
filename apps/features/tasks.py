"""Background work of this room: the reconciler, as a safety net under publication."""

from __future__ import annotations

from celery import shared_task

from . import reconcile


@shared_task(name="features.reconcile")
def reconcile_features() -> bool:
    """Compare and repair; True if nothing was left wrong."""
    return reconcile.reconcile(repair=True).clean
