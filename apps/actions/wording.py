"""An action in words: when it is due, how urgent it is."""

from __future__ import annotations

from datetime import date, timedelta

SOON = timedelta(days=7)
FAR_DAYS = 60


def due_in_words(due_on: date, today: date) -> str:
    """`Overdue by 3 days`, `Due today`, `Due in 5 days`; the date itself when it is far."""
    days = (due_on - today).days
    if days < 0:
        return f"Overdue by {_days(-days)}"
    if days == 0:
        return "Due today"
    if days == 1:
        return "Due tomorrow"
    return f"Due in {_days(days)}" if days <= FAR_DAYS else f"Due {due_on.day} {due_on:%b %Y}"


def urgency(due_on: date, today: date) -> str:
    """`overdue`, `due_soon` (within a week) or `later`."""
    if due_on < today:
        return "overdue"
    return "due_soon" if due_on <= today + SOON else "later"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
