"""What the insights room refuses, each with its stable code."""

from __future__ import annotations

from apps.common.errors import DomainError, ForbiddenError, InvalidInputError


class SelfApprovalError(DomainError):
    """The author of an insight, or of the revision at hand, tried to approve it."""

    code = "self_approval"


class RoleRequiredError(ForbiddenError):
    """The caller's roles do not allow this step."""

    code = "role_required"


class AlreadyApprovedError(DomainError):
    """This revision is served already, or this person has approved it already."""

    code = "already_approved"


class TurnedDownError(DomainError):
    """A reviewer asked for changes to this revision, or rejected it, and that still stands."""

    code = "turned_down"


class AlreadyDecidedError(DomainError):
    """The decision that is asked for stands already."""

    code = "already_decided"


class TakenBackError(DomainError):
    """This revision was served and taken back: its approvals are spent."""

    code = "revision_taken_back"


class RevisionChangedError(DomainError):
    """The reader decided on a revision that is no longer the newest."""

    code = "revision_changed"


class InsightWithdrawnError(DomainError):
    """The insight was withdrawn."""

    code = "insight_withdrawn"


class InsightExpiredError(DomainError):
    """The insight's expiry has passed."""

    code = "insight_expired"


class NotServedError(DomainError):
    """There is nothing served that could be withdrawn."""

    code = "not_served"


class MisstepsUnreadError(DomainError):
    """The same or a near signal failed before, and the approver has not said that they read of it."""

    code = "missteps_unread"


class InfluenceCapError(DomainError):
    """An author of this revision would move more than the caps allow one person."""

    code = "influence_cap"


class GateRequiredError(DomainError):
    """The backtest did not pass and nobody has written why the insight should act all the same."""

    code = "gate_required"


class BelowRubricBarError(DomainError):
    """The reviewers' rubric marks are below the bar for acting on an insight."""

    code = "below_rubric_bar"


class NoSignalError(DomainError):
    """An insight in prose carries nothing that could be served."""

    code = "no_signal"


class ShadowRunningError(DomainError):
    """A shadow run of this revision is going on already."""

    code = "shadow_running"


class NoShadowRunError(DomainError):
    """No shadow run is going on."""

    code = "no_shadow_run"


class ProtectedWindowError(DomainError):
    """The start lies in a protected window; the remedy names the next free moment."""

    code = "protected_window"


class NothingToRevertError(DomainError):
    """The named release has the content that is served now."""

    code = "nothing_to_revert"


class UnknownSignalError(InvalidInputError):
    """A signal of a kind, or with a value, that the vector has no column for."""

    code = "invalid_signal"


class NothingHeldOutError(DomainError):
    """No telemetry is left that nothing was learnt from."""

    code = "nothing_held_out"
