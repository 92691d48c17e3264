"""What a worker does for this room by the clock."""

from __future__ import annotations

from celery import shared_task

from . import mailing


@shared_task(name="notices.try_parked_again")
def try_parked_again() -> int:
    """Try again to send what a mail server refused."""
    return mailing.try_parked_again()
