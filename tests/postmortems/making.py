"""Makers for the tests of the postmortems room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from apps.incidents.services import declare_incident
from apps.postmortems import content, services

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.incidents.models import Incident
    from apps.postmortems.models import Draft, Postmortem

LABELS: dict[str, Any] = {
    "trigger": ["config_push"],
    "failure_mode": ["config_error", "capacity_saturation"],
    "service_tier": "tier_1",
    "timing": "off_hours",
    "detection": "customer_report",
    "monitoring_gap": "no_monitors",
    "remediation": ["rollback"],
    "contributing_factor": ["insufficient_test", "handover_gap"],
}
OBSERVATIONS = [
    {"id": "aa", "text": "The pool was full.", "evidence": "Panel 3"},
    {"id": "bb", "text": "No alarm rang."},
]
RECOMMENDATIONS = [{"id": "cc", "text": "Watch the pool.", "cites": ["aa", "bb"]}]


def review(**changes: Any) -> dict[str, Any]:
    """The arguments of `file_review` but for the author."""
    return {
        "title": "Pool ran full",
        "service": "checkout",
        "summary": "For an hour nobody could pay.",
        "labels": LABELS,
        "observations": [{"text": "The pool was full.", "evidence": "Panel 3"}, {"text": "No alarm rang."}],
        "recommendations": [{"text": "Watch the pool.", "cites": [1, 2]}],
        "timeline": [
            {"at": "2026-11-01 14:10", "kind": "decision", "text": "Rolled back", "actor_role": "on call"},
            {"at": "2026-11-01T15:02:00+01:00", "kind": "event", "text": "Pool full", "source": "graph"},
        ],
        **changes,
    }


def filed(author: User, **changes: Any) -> Postmortem:
    return services.file_review(author=author, **review(**changes))


def data(**changes: Any) -> dict[str, Any]:
    """A complete draft."""
    return {
        "title": "Pool ran full",
        "service": "checkout",
        "kind": "incident",
        "incident": "",
        "summary": "For an hour nobody could pay.",
        "labels": LABELS,
        "no_human_factor_reason": "",
        "timeline": [
            {
                "id": "ee",
                "at": "2026-11-01 14:02",
                "kind": "event",
                "text": "Full",
                "actor_role": "",
                "source": "",
            }
        ],
        "observations": OBSERVATIONS,
        "recommendations": RECOMMENDATIONS,
        "actions": [],
        **changes,
    }


def drafted(author: User, **changes: Any) -> Draft:
    """A complete draft of somebody's."""
    draft = services.open_draft(author=author)
    for step in ("what", "timeline", "labels", "findings", "actions"):
        services.save_draft(
            draft_id=draft.pk, step=step, mine=content.part(data(**changes), step), base={}, editor=author
        )
    draft.refresh_from_db()
    return draft


def form(draft: Draft, step: str, **changes: Any) -> dict[str, Any]:
    """What a browser posts for a step, with some fields changed."""
    part = content.part(draft.data, step)
    posted: dict[str, Any] = {"base": json.dumps(part), "step": step}
    for key, value in part.items():
        if key == "labels":
            posted |= value
        elif key in content.COLUMNS:
            posted[f"{key}-row"] = [row["id"] for row in value]
            posted |= {
                f"{key}-{row['id']}-{column}": text
                for row in value
                for column, text in row.items()
                if column != "id"
            }
        else:
            posted[key] = value
    return {**posted, **changes}


def incident(author: User, **changes: Any) -> Incident:
    return declare_incident(
        **{
            "title": "Checkout down",
            "service": "checkout",
            "severity": "SEV-2",
            "declared_by": author,
            **changes,
        }
    )
