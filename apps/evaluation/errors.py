"""What evaluation refuses."""

from __future__ import annotations

from apps.common.errors import DomainError


class SplitChangedError(DomainError):
    """The members of a split that was registered before are others now."""

    code = "split_changed"


class HoldoutOverlapError(DomainError):
    """The window that should judge a lesson overlaps the one in which it was learnt."""

    code = "holdout_overlap"
    status = 400
