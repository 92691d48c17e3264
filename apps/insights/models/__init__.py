"""Insights, their immutable revisions, and what a revision needs before it may act.

An insight is a thread; everything that can be approved, served or traced is a *revision* of it. Revisions,
signals, gate results, decisions and approvals are append-only: the database refuses to change them, so what
was approved is what is served. `Activation` is the one row that makes a revision part of a release, and a
trigger of the database checks the two-person rule (design decision 5) even against raw SQL.
"""

from __future__ import annotations

from .findings import Finding
from .influence import Influence, InfluenceLift
from .lessons import Insight, Objective, Revision, Signal
from .missteps import Misstep
from .reviews import Approval, Decision, GateOverride, GateResult, Score
from .serving import Activation, ServedSignal
from .shadowing import ShadowReading, ShadowRun

__all__ = [
    "Activation",
    "Approval",
    "Decision",
    "Finding",
    "GateOverride",
    "GateResult",
    "Influence",
    "InfluenceLift",
    "Insight",
    "Misstep",
    "Objective",
    "Revision",
    "Score",
    "ServedSignal",
    "ShadowReading",
    "ShadowRun",
    "Signal",
]
