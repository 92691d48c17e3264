"""What a draft holds, and which step of the form writes which part of it. Pure: texts as typed, unchecked.

A row has an `id` that it keeps for life, so that two people who edit, move and delete rows can be merged.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .composing import when
from .fields import text_fault
from .words import FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

    from apps.incidents.models import Incident

    from .models import Postmortem

STEPS = {
    "what": "What happened",
    "timeline": "Timeline",
    "labels": "Labels",
    "findings": "Findings",
    "actions": "Actions",
    "preview": "Preview",
}
KEYS = {
    "what": ("title", "service", "kind", "incident", "summary"),
    "timeline": ("timeline",),
    "labels": ("labels", "no_human_factor_reason"),
    "findings": ("observations", "recommendations"),
    "actions": ("actions",),
    "preview": (),
}
COLUMNS = {
    "timeline": ("at", "kind", "actor_role", "source", "text"),
    "observations": ("text", "evidence"),
    "recommendations": ("text",),
    "actions": ("title", "owner", "due_on", "kind", "metric", "direction"),
}
FRESH = {"timeline": {"kind": "event"}, "actions": {"kind": "detect"}}  # what an added row starts with
MAX_ROWS = 300
MAX_TEXT = 100_000
ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
MAX_ID = 16


def part(data: Mapping[str, Any], step: str) -> dict[str, Any]:
    """What a step shows and writes, empty where nothing was typed yet."""
    return {key: data[key] if key in data else empty(key) for key in KEYS[step]}


def empty(key: str) -> Any:
    """What is there before anything was typed."""
    if key == "labels":
        return {field.slug: [] if field.many else "" for field in FIELDS}
    return [] if key in COLUMNS else ""


def new_id() -> str:
    """The id of a new row."""
    return secrets.token_hex(4)


def new_row(name: str) -> dict[str, Any]:
    """An empty row."""
    row: dict[str, Any] = {"id": new_id(), **dict.fromkeys(COLUMNS[name], "")}
    return {**row, **FRESH.get(name, {}), **({"cites": []} if name == "recommendations" else {})}


def read(posted: QueryDict, step: str) -> dict[str, Any]:
    """The part that a posted form says."""
    if step == "labels":
        labels = {
            field.slug: posted.getlist(field.slug) if field.many else posted.get(field.slug, "")
            for field in FIELDS
        }
        return {"labels": labels, "no_human_factor_reason": _text(posted, "no_human_factor_reason")}
    return {
        key: _rows(posted, key) if key in COLUMNS else _text(posted, key).strip("\n") for key in KEYS[step]
    }


def _text(posted: QueryDict, name: str) -> str:
    return str(posted.get(name, "")).replace("\r\n", "\n")  # a browser sends CRLF whatever was typed


def _rows(posted: QueryDict, name: str) -> list[dict[str, Any]]:
    rows = []
    for key in dict.fromkeys(posted.getlist(f"{name}-row")):
        if not key or len(key) > MAX_ID or not ID_CHARS.issuperset(key):
            continue
        row: dict[str, Any] = {"id": key}
        row |= {column: _text(posted, f"{name}-{key}-{column}") for column in COLUMNS[name]}
        if name == "recommendations":
            row["cites"] = posted.getlist(f"{name}-{key}-cites")
        rows.append(row)
    return rows


def unstorable(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], str]]:
    """What a draft cannot keep at all: NUL, half a surrogate pair, far too much. (Where, why)."""
    if isinstance(value, str):
        fault = text_fault(value, MAX_TEXT)
        return [(path, fault)] if fault else []
    if isinstance(value, list) and len(value) > MAX_ROWS:
        return [(path, f"There are {len(value):,}; at most {MAX_ROWS:,} are kept.")]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inner for found in unstorable(item, (*path, key))]


def is_blank(row: Mapping[str, Any], name: str) -> bool:
    """Whether nothing was typed into a row, beyond what it started with."""
    start = FRESH.get(name, {})
    return all(row.get(c, "").strip() in {"", start.get(c, "")} for c in COLUMNS[name]) and not row.get(
        "cites"
    )


def tidied(data: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without rows into which nothing was typed."""
    return {
        key: [row for row in value if not is_blank(row, key)] if key in COLUMNS else value
        for key, value in data.items()
    }


# --- drafts that do not begin empty -----------------------------------------------------------------
def of_incident(incident: Incident) -> dict[str, Any]:
    """What is known already: title, service, tier, summary, and its recorded times as timeline entries."""
    times = sorted(
        (time for time in incident.times.all() if time.at is not None), key=lambda time: (time.at, time.pk)
    )
    tier = incident.service.tier
    return {
        "title": incident.title,
        "service": incident.service.slug,
        "kind": incident.kind,
        "incident": str(incident.pk),
        "summary": incident.summary,
        "timeline": [
            {
                **new_row("timeline"),
                "at": when(time.at, time.precision).replace("about ", ""),
                "text": time.get_kind_display(),
                "source": time.source,
            }
            for time in times
            if time.at is not None
        ],
        "labels": {**empty("labels"), "service_tier": tier.code if tier is not None else ""},
    }


def of_postmortem(postmortem: Postmortem) -> dict[str, Any]:
    """A filed review as a draft of its next version; a text becomes the summary."""
    labels = empty("labels")
    for slug, rows in postmortem.labels_by_field().items():
        codes = [row.term.code for row in rows]
        labels[slug] = codes if isinstance(labels[slug], list) else codes[0]
    ids = {observation.pk: new_id() for observation in postmortem.observations.all()}
    return {
        "title": postmortem.title,
        "service": postmortem.service.slug,
        "kind": postmortem.kind if postmortem.is_review else "incident",
        "incident": str(postmortem.incident_id or ""),
        "summary": postmortem.summary or postmortem.narrative,
        "no_human_factor_reason": postmortem.no_human_factor_reason,
        "labels": labels,
        "timeline": [
            {
                "id": new_id(),
                "at": when(entry.at, entry.precision).replace("about ", ""),
                **{name: getattr(entry, name) for name in ("kind", "actor_role", "source", "text")},
            }
            for entry in postmortem.timeline.all()
        ],
        "observations": [
            {"id": ids[row.pk], "text": row.text, "evidence": row.evidence}
            for row in postmortem.observations.all()
        ],
        "recommendations": [
            {"id": new_id(), "text": row.text, "cites": [ids[cited.pk] for cited in row.cites.all()]}
            for row in postmortem.recommendations.all()
        ],
    }
