"""The codes of this room, and which state may follow which."""

from __future__ import annotations

from django.db import models


class Kind(models.TextChoices):
    INCIDENT = "incident", "Incident"
    NEAR_MISS = "near_miss", "Near miss"


class Origin(models.TextChoices):
    OWN = "own", "Ours"
    PUBLIC = "public", "Published by others"


class State(models.TextChoices):
    TRIAGE = "triage", "Triage"
    DECLINED = "declined", "Declined"
    MERGED = "merged", "Merged"
    CANCELED = "canceled", "Canceled"
    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MITIGATED = "mitigated", "Mitigated"
    RESOLVED = "resolved", "Resolved"
    LEARNING = "learning", "Learning"
    CLOSED = "closed", "Closed"


class TimeKind(models.TextChoices):
    """In the order in which most incidents pass them."""

    IMPACT_START = "impact_start", "Impact started"
    DETECTED = "detected", "Detected"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    ESCALATED = "escalated", "Escalated"
    MITIGATED = "mitigated", "Mitigated"
    RESOLVED = "resolved", "Resolved"


class TimeStatus(models.TextChoices):
    RECORDED = "recorded", "Recorded"
    PENDING = "pending", "Not known yet"
    NOT_APPLICABLE = "not_applicable", "Does not apply"
    INVALID = "invalid", "Known to be wrong"


class Precision(models.TextChoices):
    """A time stands for the beginning of its second, minute, hour or day."""

    SECOND = "second", "To the second"
    MINUTE = "minute", "To the minute"
    HOUR = "hour", "To the hour"
    DAY = "day", "To the day"


class EventKind(models.TextChoices):
    DECLARED = "declared", "Declared"
    AMENDED = "amended", "Amended"
    STATE = "state", "State changed"


VOID = frozenset({State.DECLINED, State.MERGED, State.CANCELED})
"""States of what turned out not to be an incident of its own; they count nowhere."""
ENDED = VOID | {State.CLOSED}
OPEN = frozenset(set(State) - ENDED)
NEEDS_REASON = frozenset({State.DECLINED, State.CANCELED})

_WORK = (State.INVESTIGATING, State.IDENTIFIED, State.MITIGATED, State.RESOLVED)
_AWAY = (State.DECLINED, State.MERGED, State.CANCELED)

TRANSITIONS: dict[State, tuple[State, ...]] = {
    State.TRIAGE: (*_WORK, *_AWAY),
    State.INVESTIGATING: (State.IDENTIFIED, State.MITIGATED, State.RESOLVED, *_AWAY),
    State.IDENTIFIED: (State.MITIGATED, State.RESOLVED, State.INVESTIGATING, *_AWAY),
    State.MITIGATED: (State.RESOLVED, State.INVESTIGATING, State.IDENTIFIED, State.MERGED),
    State.RESOLVED: (State.LEARNING, State.CLOSED, State.INVESTIGATING, State.MERGED),
    State.LEARNING: (State.CLOSED, State.INVESTIGATING, State.MERGED),
    State.CLOSED: (State.LEARNING, State.INVESTIGATING),
    State.DECLINED: (State.TRIAGE,),
    State.CANCELED: (State.TRIAGE,),
    State.MERGED: (State.INVESTIGATING,),
}
"""What may follow each state. Whatever ended can be taken up again: a wrong end must not be final."""


def next_states(state: str) -> tuple[State, ...]:
    """The states that may follow `state`, the likeliest first."""
    return TRANSITIONS[State(state)]
