"""Use cases of the insights room: one function, one transaction."""

from __future__ import annotations

from .approving import approve_insight
from .comparing import ask_comparison
from .deciding import reject_insight, reopen_insight, request_changes
from .ending import revert_release, withdraw_insight
from .finding import note_finding
from .lifting import lift_cap
from .proposing import propose_insight, revise_insight
from .reviewing import check_judge, rerun_gate, score_insight
from .shadowing import start_shadow, stop_shadow

__all__ = [
    "approve_insight",
    "ask_comparison",
    "check_judge",
    "lift_cap",
    "note_finding",
    "propose_insight",
    "reject_insight",
    "reopen_insight",
    "request_changes",
    "rerun_gate",
    "revert_release",
    "revise_insight",
    "score_insight",
    "start_shadow",
    "stop_shadow",
    "withdraw_insight",
]
