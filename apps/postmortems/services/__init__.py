"""Use cases of postmortems."""

from __future__ import annotations

from .filing import file_postmortem

__all__ = ["file_postmortem"]
