"""Well-known public incidents, told in our own words, as knowledge: read and searched, never counted."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.catalog.models import Term
from apps.incidents.codes import Origin, State, TimeKind
from apps.incidents.metrics import TimeValue
from apps.incidents.services import declare_incident
from apps.postmortems.services import file_review
from apps.postmortems.words import TECHNICAL

if TYPE_CHECKING:
    from apps.accounts.models import User

SOURCE = Path(__file__).parent / "data" / "public_incidents.json"
TIMES = (TimeKind.IMPACT_START, TimeKind.DETECTED, TimeKind.MITIGATED)


def load(*, author: User) -> int:
    """Declare and review each published incident of the file; returns how many."""
    entries: list[dict[str, Any]] = json.loads(SOURCE.read_text())
    for entry in entries:
        _tell(entry, author)
    return len(entries)


def _tell(entry: dict[str, Any], author: User) -> None:
    incident = declare_incident(
        title=entry["title"],
        service=entry["service"],
        severity=entry["severity"],
        origin=Origin.PUBLIC,
        state=State.CLOSED,
        summary=f"{entry['org']}. Published at {entry['url']}",
        times={str(kind): _time(entry, kind) for kind in TIMES},
        declared_by=author,
    )
    technical = Term.objects.filter(
        vocabulary="contributing_factor", code=entry["factor"], group=TECHNICAL
    ).exists()
    file_review(
        title=entry["title"],
        service=entry["service"],
        incident_id=incident.pk,
        summary=f"{entry['org']}: {entry['saw'][0]} Told in our own words after {entry['url']}",
        labels={
            "trigger": entry["trigger"],
            "failure_mode": entry["failure_mode"],
            "service_tier": [entry["tier"]],
            "detection": [entry["detection"]],
            "remediation": entry["remediation"],
            "timing": [entry["timing"]],
            "contributing_factor": [entry["factor"]],
        },
        timeline=[],
        observations=[{"text": text, "evidence": entry["url"]} for text in entry["saw"]],
        recommendations=[{"text": text, "cites": [1]} for text in entry["learn"]],
        no_human_factor_reason="The published account names none." if technical else "",
        author=author,
    )


def _time(entry: dict[str, Any], kind: str) -> TimeValue:
    text = entry.get(str(kind))
    if text is None:
        return TimeValue("pending")
    precision = entry.get(f"{kind}_precision", "minute")
    return TimeValue("recorded", datetime.fromisoformat(text), "published account", precision)
