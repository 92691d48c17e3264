"""Reviews with their labels and statements, and the drafts that they are written in."""

from __future__ import annotations

from .drafts import Draft, DraftHistory
from .postmortem import MAX_NARRATIVE, MAX_TITLE, Postmortem, split_lines, text_hash
from .statements import (
    Citation,
    Observation,
    PostmortemLabel,
    Precision,
    Recommendation,
    TimelineEntry,
)

__all__ = [
    "MAX_NARRATIVE",
    "MAX_TITLE",
    "Citation",
    "Draft",
    "DraftHistory",
    "Observation",
    "Postmortem",
    "PostmortemLabel",
    "Precision",
    "Recommendation",
    "TimelineEntry",
    "split_lines",
    "text_hash",
]
