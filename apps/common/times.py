"""Instants as text: always UTC, always six digits."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_us(moment: datetime) -> str:
    """`2026-11-21T12:00:00.000001Z`: microseconds are never dropped, so the text joins point-in-time exactly.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    # Not strftime: its %Y gives the year 999 three digits, and then text does not sort as time does.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
