"""The shop's own postmortems, filed as reviews of its incidents."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.postmortems.services import file_review

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.incidents.models import Incident
    from apps.postmortems.models import Postmortem

SOURCE = Path(__file__).parent / "data" / "reviews.json"


def file_all(
    incidents: dict[tuple[str, int], Incident], *, authors: tuple[User, User]
) -> dict[str, Postmortem]:
    """Every review of the file by its key; the two authors take turns."""
    entries: list[dict[str, Any]] = json.loads(SOURCE.read_text())
    return {
        entry["key"]: _file(entry, incidents[entry["series"], entry["number"]], authors[position % 2])
        for position, entry in enumerate(entries)
    }


def _file(entry: dict[str, Any], incident: Incident, author: User) -> Postmortem:
    began = incident.occurred_at
    return file_review(
        title=entry["title"],
        service=incident.service.slug,
        incident_id=incident.pk,
        summary=entry["summary"],
        labels=entry["labels"],
        timeline=[
            {
                "at": (began + timedelta(minutes=minutes)).isoformat(),
                "precision": "minute",
                "kind": kind,
                "source": "" if kind == "decision" else source,
                "actor_role": source if kind == "decision" else "",
                "text": text,
            }
            for minutes, kind, source, text in entry["timeline"]
        ],
        observations=[{"text": text, "evidence": evidence} for text, evidence in entry["observations"]],
        recommendations=[{"text": text, "cites": cites} for text, cites in entry["recommendations"]],
        author=author,
    )
