"""What the room refuses, beyond wrong input."""

from __future__ import annotations

from apps.common.errors import DomainError


class AlreadyAmendedError(DomainError):
    """A version is amended once; the next amendment is of the newer one."""

    code = "already_amended"


class DraftClosedError(DomainError):
    """The draft was filed or discarded meanwhile."""

    code = "draft_closed"
