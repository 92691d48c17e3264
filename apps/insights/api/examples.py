"""One example of each reply, as the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

MISSTEP: dict[str, Any] = {
    "id": 4,
    "why": "rejected",
    "text": "It would hide the batch that failed in May.",
    "insight": 3,
    "revision": 1,
    "title": "Alarm later at night",
    "author": "robin",
    "kind": "theta_scale",
    "value": 1.2,
    "scope": {"series": ["checkout/latency_p99"]},
    "taken_back": False,
    "at": "2026-11-02T09:14:00Z",
}
INSIGHT: dict[str, Any] = {
    "missteps": [],
    "id": 7,
    "state": "proposed",
    "revision": 1,
    "active_revision": None,
    "release": None,
    "active_release": None,
    "title": "Checkout latency is noisy during the nightly batch",
    "recommendation": "Alarm only upwards, and only at twice the usual threshold.",
    "author": "robin",
    "revision_author": "robin",
    "scope": {"series": ["checkout/latency_p99"]},
    "confidence": 0.8,
    "effective_confidence": 0.8,
    "confidence_sum": {
        "declared": 0.8,
        "prior": 1.0,
        "factor": 1.0,
        "served": 0.8,
        "improved": 0,
        "worse": 0,
        "weight": 4.0,
    },
    "findings": [],
    "provenance": {
        "document": "postmortem:3",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "lines": [4, 6],
        "excerpt": "The page fired four nights in a row during the batch.",
    },
    "signals": [
        {
            "id": 11,
            "kind": "theta_scale",
            "value": 1.0,
            "columns": {"theta_log2": 1.0},
            "dtype": "float",
            "unit": "log2 of a factor",
            "entity": "series",
            "expression": "theta = default.theta * 2 ** theta_log2",
            "expires_at": None,
        }
    ],
    "prose_reason": "",
    "objectives": ["reliability"],
    "expires_at": None,
    "gate": {
        "verdict": "passed",
        "reason": "Utility rises by 0.60, more than lambda (0.20), and no incident is lost.",
        "report": {"n_incidents": 2, "n_benign": 5, "d_tp": 0, "d_fp": -3, "d_utility": 0.6, "lambda": 0.2},
        "split_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "data_hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
        "code": "186b4c6a0f3f2d55f0a6c8b1f6f2b7d2a9c0e4d1",
        "evaluated_at": "2026-11-21T12:00:00Z",
    },
    "overrides": [],
    "scores": [],
    "approvals": [],
    "decisions": [],
    "waits_for": ["2 more approvals", "an operator's approval"],
    "created_at": "2026-11-21T12:00:00Z",
    "revised_at": "2026-11-21T12:00:00Z",
}
APPROVED: dict[str, Any] = {
    **INSIGHT,
    "state": "approved",
    "active_revision": 1,
    "release": 4,
    "active_release": 4,
    "approvals": [
        {"approver": "sam", "as_operator": False, "comment": "", "approved_at": "2026-11-21T12:05:00Z"},
        {
            "approver": "kim",
            "as_operator": True,
            "comment": "Agreed with the owners.",
            "approved_at": "2026-11-21T12:06:00Z",
        },
    ],
    "waits_for": [],
}
WITHDRAWN: dict[str, Any] = {
    **APPROVED,
    "state": "withdrawn",
    "active_revision": None,
    "active_release": None,
}
DECIDED: dict[str, Any] = {
    **INSIGHT,
    "state": "changes_requested",
    "decisions": [
        {
            "revision": 1,
            "person": "sam",
            "kind": "changes_requested",
            "reason": "The evening peak would be missed: use 1.5 times the threshold.",
            "at": "2026-11-21T12:05:00Z",
        }
    ],
    "waits_for": ["a new revision, or a reviewer who reopens it"],
}
REJECTED: dict[str, Any] = {
    **DECIDED,
    "state": "rejected",
    "decisions": [{**DECIDED["decisions"][0], "kind": "rejected"}],
}
QUEUE: dict[str, Any] = {
    "to_review": [
        {
            "missteps": [],
            "insight": 7,
            "revision": 1,
            "title": INSIGHT["title"],
            "author": "robin",
            "since": "2026-11-21T12:00:00Z",
            "gate": "passed",
            "waits_for": ["2 more approvals", "an operator's approval"],
        }
    ],
    "to_change": [],
    "for_others": [],
}
PAGE: dict[str, Any] = {"items": [INSIGHT], "next": None}
GATE: dict[str, Any] = INSIGHT["gate"]
DRY_RUN: dict[str, Any] = {
    "insight": 7,
    "revision": 1,
    "series": {
        "checkout/latency_p99": {
            "columns": {"theta_log2": 1.0},
            "alarms_before": 41,
            "alarms_after": 12,
            "samples": 6048,
        }
    },
    "without_telemetry": [],
}
PROPOSAL: dict[str, Any] = {
    "title": INSIGHT["title"],
    "recommendation": INSIGHT["recommendation"],
    "scope": {"series": ["checkout/latency_p99"]},
    "confidence": 0.8,
    "provenance": {"postmortem": 3, "lines": [4, 6]},
    "signals": [
        {"kind": "theta_scale", "value": 1.0},
        {"kind": "direction", "value": "up"},
        {"kind": "min_effect", "value": {"rel": 0.2}},
        {"kind": "persistence", "value": {"k": 3, "n": 5}},
        {"kind": "baseline", "value": "daily"},
        {"kind": "hard_limit", "value": {"hi": 5000.0}},
    ],
}
REVERTED: dict[str, Any] = {
    "number": 6,
    "kind": "revert",
    "reverted_to": 4,
    "known_at": "2026-11-21T12:10:00.123456Z",
    "served_at": None,
    "digest": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "reason": "Release 5 doubled the pages at night.",
}
