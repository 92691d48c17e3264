"""Names of served facts, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FACTS = {
    "incidents_7d": ("Incidents in 7 days", "count"),
    "incidents_30d": ("Incidents in 30 days", "count"),
    "incidents_90d": ("Incidents in 90 days", "count"),
    "n_incidents": ("Incidents in all", "count"),
    "last_incident_at_iso": ("Last incident", "moment"),
    "risk_next_7d": ("Chance of an incident in the next 7 days", "share"),
    "open_actions": ("Open actions", "count"),
    "repeat_share": ("Share that repeats an earlier failure", "share"),
    "human_detected_share": ("Share noticed by people first", "share"),
    "change_induced_share": ("Share set off by a change", "share"),
    "n_reviews": ("Reviews behind these shares", "count"),
}


@dataclass(frozen=True)
class Fact:
    """One column of a service's history; `kind` says how its value is written: count, share or moment."""

    column: str
    label: str
    value: Any
    kind: str


def facts(values: Mapping[str, Any]) -> list[Fact]:
    """The columns that have a value, in the order in which people ask for them."""
    return [
        Fact(column, label, values[column], kind)
        for column, (label, kind) in FACTS.items()
        if values.get(column) is not None
    ]


COLUMNS = {
    "direction": "Alarms on",
    "theta_log2": "Threshold, log2 of the factor",
    "min_rel": "Smallest effect, share of the level",
    "min_abs": "Smallest effect, in units",
    "persist_k": "Samples past the threshold",
    "persist_n": "of the last",
    "baseline": "Compared with",
    "hard_lo": "Always alarms below",
    "hard_hi": "Always alarms above",
    "suppress_json": "Silent windows",
    "calendar_json": "Days that are not like others",
}
"""What a detector is told; the other columns of a profile describe evidence and origin."""
