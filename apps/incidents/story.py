"""What the page of one incident tells beside its facts: what to do next, where to look, who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from apps.common.times import iso_us

from . import conflicts
from .codes import VOID, Kind, State, TimeKind, TimeStatus

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

    from .models import Incident

MARGIN = timedelta(hours=3)  # around the incident, at least, when a series is opened from its page
LEARNING = frozenset({State.RESOLVED, State.LEARNING})


@dataclass(frozen=True, slots=True)
class Step:
    """What would help most now; `url_name` is a page of this room or an anchor, or None for the review."""

    title: str
    text: str
    action: str
    goal: str  # edit, state, postmortem


def next_step(incident: Incident) -> Step | None:
    """The one next thing to do; None where all is done."""
    times = incident.times_by_kind()
    is_reviewed = incident.postmortems.exists()  # the room above keeps them
    state = State(incident.state)
    if state in VOID or state == State.CLOSED:
        return None
    start = times.get(TimeKind.IMPACT_START)
    unknown = start is not None and start.status == TimeStatus.PENDING and incident.kind == Kind.INCIDENT
    if state in LEARNING and unknown:
        return Step(
            "Say when it began",
            "Without the start of the impact nothing can be measured, and detectors learn nothing of it.",
            "Enter times",
            "edit",
        )
    if state in LEARNING and is_reviewed:
        return Step(
            "Its review is written",
            "Close the incident as soon as what it taught is proposed and its actions have owners.",
            "Move it on",
            "state",
        )
    if state in LEARNING:
        return Step(
            "Write down what it taught",
            "The review turns this into observations and recommendations.",
            "File the postmortem",
            "postmortem",
        )
    return Step("Keep the state true", "Others look here to see how far it is.", "Move it on", "state")


@dataclass(frozen=True, slots=True)
class SeriesLink:
    id: str
    query: str


def series_links(incident: Incident) -> list[SeriesLink]:
    """The series involved, each with the part of an address that shows it around the incident."""
    known = [value.at for value in incident.times_by_kind().values() if value.at is not None]
    query = ""
    if known:
        first, last = min(known), max(known)
        margin = max(MARGIN, (last - first) / 2)
        query = "?" + urlencode({"from": iso_us(first - margin), "to": iso_us(last + margin)})
    ids = incident.series.order_by("pk").values_list("pk", flat=True)
    return [SeriesLink(each, query) for each in ids]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    what: str
    at: datetime
    by: User
    note: str
    changes: list[dict[str, str]]


def history(incident: Incident) -> list[Entry]:
    """Everything that was done, the latest first; one query."""
    events = incident.events.select_related("by").order_by("-version")
    return [
        Entry(
            what=event.get_kind_display(),
            at=event.at,
            by=event.by,
            note=event.note,
            changes=[
                {
                    "label": conflicts.label(change["field"]),
                    "before": conflicts.shown(change["before"]),
                    "after": conflicts.shown(change["after"]),
                }
                for change in event.changes
            ],
        )
        for event in events
    ]
