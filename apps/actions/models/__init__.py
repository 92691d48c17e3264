"""Action items: what somebody will do about what was learnt, by when, and how its effect will be measured."""

from __future__ import annotations

from .choices import (
    BETTER,
    FIELD_METRICS,
    GIVEN_UP,
    LONGEST_SETTLING,
    LONGEST_WINDOW,
    MAX_NOTE,
    MAX_TITLE,
    MAX_USERNAME,
    REPLAY_METRICS,
    SETTLE_DAYS,
    SHORTEST_WINDOW,
    TESTS,
    TO_DO,
    WINDOW_DAYS,
    Direction,
    Kind,
    Metric,
    State,
    Test,
)
from .items import CRITERION, ActionEvent, ActionItem
from .targets import CompletionTarget
from .trackers import IssueLink, Tracker, TrackerDelivery, TrackerPerson

__all__ = [
    "BETTER",
    "CRITERION",
    "FIELD_METRICS",
    "GIVEN_UP",
    "LONGEST_SETTLING",
    "LONGEST_WINDOW",
    "MAX_NOTE",
    "MAX_TITLE",
    "MAX_USERNAME",
    "REPLAY_METRICS",
    "SETTLE_DAYS",
    "SHORTEST_WINDOW",
    "TESTS",
    "TO_DO",
    "WINDOW_DAYS",
    "ActionEvent",
    "ActionItem",
    "CompletionTarget",
    "Direction",
    "IssueLink",
    "Kind",
    "Metric",
    "State",
    "Test",
    "Tracker",
    "TrackerDelivery",
    "TrackerPerson",
]
