"""Use cases of postmortems: write a draft, file it, file by API."""

from __future__ import annotations

from .drafting import Saved, discard_draft, open_draft, restore_draft, save_draft
from .filing import file_draft, file_postmortem, file_review

__all__ = [
    "Saved",
    "discard_draft",
    "file_draft",
    "file_postmortem",
    "file_review",
    "open_draft",
    "restore_draft",
    "save_draft",
]
