"""Use cases of action items: open one, change it, hand it over, do it, drop it, take it up again."""

from __future__ import annotations

from .handing import reassign_many, set_target, undo_reassign
from .linking import link_issue, look_again, unlink_issue
from .mirroring import take_delivery
from .opening import amend_action, open_action
from .tracking import add_tracker, name_people, remove_tracker, try_tracker
from .working import drop_action, mark_done, reassign, reopen, start

__all__ = [
    "add_tracker",
    "amend_action",
    "drop_action",
    "link_issue",
    "look_again",
    "mark_done",
    "name_people",
    "open_action",
    "reassign",
    "reassign_many",
    "remove_tracker",
    "reopen",
    "set_target",
    "start",
    "take_delivery",
    "try_tracker",
    "undo_reassign",
    "unlink_issue",
]
