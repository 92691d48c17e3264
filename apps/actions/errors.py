"""What an action item refuses."""

from __future__ import annotations

from apps.common.errors import DomainError


class StaleActionError(DomainError):
    """Somebody else changed the action since the form was opened."""

    code = "stale_version"


class ActionStateError(DomainError):
    """The action is not in a state in which this can be done to it."""

    code = "wrong_state"
