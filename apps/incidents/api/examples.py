"""What the API's documentation shows."""

from __future__ import annotations

from typing import Any

UNKNOWN: dict[str, Any] = {"status": "pending", "at": None, "source": "", "precision": "minute"}
TIMES: dict[str, Any] = {
    "impact_start": {
        "status": "recorded",
        "at": "2026-11-21T02:00:00.000000Z",
        "source": "latency_p99",
        "precision": "minute",
    },
    "detected": {
        "status": "recorded",
        "at": "2026-11-21T02:07:00.000000Z",
        "source": "alarm",
        "precision": "second",
    },
}
NEW = {
    "title": "Checkout was slow during the settlement batch",
    "service": "checkout",
    "severity": "SEV-2",
    "series": ["checkout/latency_p99"],
    "times": TIMES,
}
INCIDENT: dict[str, Any] = {
    "id": 7,
    "title": NEW["title"],
    "service": "checkout",
    "severity": "SEV-2",
    "kind": "incident",
    "origin": "own",
    "state": "investigating",
    "next_states": ["identified", "mitigated", "resolved", "declined", "merged", "canceled"],
    "summary": "",
    "is_drill": False,
    "is_holdout": False,
    "series": ["checkout/latency_p99"],
    "times": {
        **TIMES,
        "acknowledged": UNKNOWN,
        "escalated": UNKNOWN,
        "mitigated": UNKNOWN,
        "resolved": UNKNOWN,
    },
    "metrics": {
        "ttd": {"seconds": 420.0, "reason": ""},
        "tta": {"seconds": None, "reason": "The acknowledgement is not known yet."},
        "tte": {"seconds": None, "reason": "The escalation is not known yet."},
        "ttm": {"seconds": None, "reason": "The mitigation is not known yet."},
        "ttr": {"seconds": None, "reason": "The resolution is not known yet."},
    },
    "merged_into": None,
    "declared_by": "ann",
    "created_at": "2026-11-21T02:09:00.000001Z",
    "occurred_at": "2026-11-21T02:00:00.000000Z",
    "version": 1,
}
AMENDMENT = {
    "version": 1,
    "times": {"mitigated": {"status": "recorded", "at": "2026-11-21T03:10:00Z", "source": "chat"}},
}
AMENDED = {
    **INCIDENT,
    "version": 2,
    "times": {
        **INCIDENT["times"],
        "mitigated": {
            "status": "recorded",
            "at": "2026-11-21T03:10:00.000000Z",
            "source": "chat",
            "precision": "minute",
        },
    },
    "metrics": {**INCIDENT["metrics"], "ttm": {"seconds": 4200.0, "reason": ""}},
}
MOVE = {"state": "resolved", "at": "2026-11-21T03:30:00Z"}
MOVED = {
    **AMENDED,
    "version": 3,
    "state": "resolved",
    "next_states": ["learning", "closed", "investigating", "merged"],
    "times": {
        **AMENDED["times"],
        "resolved": {
            "status": "recorded",
            "at": "2026-11-21T03:30:00.000000Z",
            "source": "change of state",
            "precision": "minute",
        },
    },
    "metrics": {**AMENDED["metrics"], "ttr": {"seconds": 5400.0, "reason": ""}},
}
