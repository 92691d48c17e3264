"""Use cases of action items: open one, change it, hand it over, do it, drop it, take it up again."""

from __future__ import annotations

from .opening import amend_action, open_action
from .working import drop_action, mark_done, reassign, reopen, start

__all__ = ["amend_action", "drop_action", "mark_done", "open_action", "reassign", "reopen", "start"]
