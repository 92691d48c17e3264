"""Protected windows in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.ui import figures

from . import windows

if TYPE_CHECKING:
    from datetime import datetime

    from .models import ProtectedWindow


@dataclass(frozen=True)
class WindowShown:
    """A window as a list shows it. `state`: "running" (now), "planned", "over" or "ended"."""

    window: ProtectedWindow
    what: str
    when: str
    state: str
    label: str
    open: bool


def window(found: ProtectedWindow, *, now: datetime) -> WindowShown:
    """All words of one window."""
    state, label = _state(found, now)
    return WindowShown(
        window=found,
        what=protects(found),
        when=when(found),
        state=state,
        label=label,
        open=state in {"running", "planned"},
    )


def protects(found: ProtectedWindow) -> str:
    """Whom it protects."""
    return found.service.slug if found.service else "the whole fleet"


def when(found: ProtectedWindow) -> str:
    """When, on one line."""
    if not found.rrule:
        return f"{_moment(found.start_at)} to {_moment(found.end_at)}"
    rule = ", ".join(found.rrule.replace("RRULE:", "").split())
    until = f" until {_moment(found.end_at)}" if found.end_at else ""
    minutes = figures.duration(60 * (found.duration_min or 0))
    return f"{rule}, {minutes} each time, from {_moment(found.start_at)}{until}"


def _state(found: ProtectedWindow, now: datetime) -> tuple[str, str]:
    if found.ended_at is not None:
        return "ended", "Ended"
    if found.end_at is not None and found.end_at <= now:
        return "over", "Over"
    if windows.covering([found], now):
        return "running", "Now"
    return "planned", "Planned" if not found.rrule else "By rule"


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "no end"
