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
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
