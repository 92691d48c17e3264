"""What this room refuses, each with its stable code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.common.errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """One field that somebody else changed meanwhile; values as in `IncidentEvent.changes`."""

    field: str
    before: Any
    after: Any
    by: str
    at: datetime


class StaleError(DomainError):
    """Somebody else changed the incident after this editor had read it.

    `missed` maps each changed field to what it was for this editor, what it is now, and who did that.
    """

    code = "stale_version"

    def __init__(self, *, version: int, missed: Mapping[str, Missed]) -> None:
        people = sorted({change.by for change in missed.values()})
        super().__init__(
            f"{' and '.join(people) or 'Somebody'} changed {', '.join(missed) or 'this incident'} "
            "after you had opened it.",
            field="version",
            remedy=f"Read what changed, then send your changes again with version {version}.",
        )
        self.version = version
        self.missed = dict(missed)


class StateError(DomainError):
    """That state cannot follow the present one."""

    code = "wrong_state"
