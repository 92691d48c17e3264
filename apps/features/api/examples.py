"""Example replies of this room's API, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from apps.common import problems

RELEASE: dict[str, Any] = {
    "number": 17,
    "known_at": "2026-11-21T12:00:00.000001Z",
    "served_at": "2026-11-21T12:00:00.041234Z",
    "digest": "20f3a471d5363cc23d8fc19df8744e341936f9eac7667d29b7a5ca3f8c33274a",
    "parent": 16,
    "kind": "approve",
    "author": "omar",
    "reason": "insight 3, revision 1 approved",
    "manifest": [{"insight": 3, "revision": 1}],
}
RELEASE_DETAIL: dict[str, Any] = {
    **RELEASE,
    "rows_changed": [{"series": "checkout/latency_p99", "version": 2, "status": "active"}],
    "pin": None,
    "consumers": [
        {
            "consumer": "model/demo",
            "feature_service": "detection",
            "reads": 1204,
            "first_at": "2026-11-21T12:00:01.000000Z",
            "last_at": "2026-11-21T13:00:00.000000Z",
        }
    ],
}
PIN: dict[str, Any] = {
    "release": 17,
    "feature_service": "detection__r17",
    "feature_view": "detection_profile__r17",
    "state": "pinned",
    "served_at": "2026-11-21T12:00:01.500000Z",
    "pinned_by": "omar",
}
DIFF: dict[str, Any] = {
    "from": 16,
    "to": 17,
    "series": {
        "checkout/latency_p99": {
            "from": {"theta_log2": 0.5, "confidence": 0.8},
            "to": {"theta_log2": 1.0, "confidence": 0.8},
            "columns": ["theta_log2"],
        }
    },
}
ONLINE: dict[str, Any] = {
    "release": 17,
    "metadata": {"feature_names": ["series", "status", "theta_log2"]},
    "results": [
        {
            "values": ["checkout/latency_p99"],
            "statuses": ["PRESENT"],
            "event_timestamps": ["1970-01-01T00:00:00Z"],
        },
        {"values": ["active"], "statuses": ["PRESENT"], "event_timestamps": ["2026-11-21T12:00:00.000001Z"]},
        {"values": [1.0], "statuses": ["PRESENT"], "event_timestamps": ["2026-11-21T12:00:00.000001Z"]},
    ],
}
LINEAGE: dict[str, Any] = {
    "series": "checkout/latency_p99",
    "release": 17,
    "row_release": 17,
    "version": 2,
    "status": "active",
    "known_at": "2026-11-21T12:00:00.000001Z",
    "values": {
        "theta_log2": {
            "value": 1.0,
            "insight": 3,
            "revision": 1,
            "signal": 5,
            "confidence": 0.8,
            "expires_at": None,
            "document": "postmortem:7",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "lines": [12, 14],
            "excerpt": "The p99 alarm fires at every nightly batch.",
        }
    },
}


def shown(name: str, value: Any, *, text: str = "", shape: Any = OpenApiTypes.OBJECT) -> OpenApiResponse:
    """A documented reply with its example."""
    return OpenApiResponse(shape, text, [OpenApiExample(name, value, response_only=True)])


def absent(detail: str, field: str, code: str = "not_found") -> dict[tuple[int, str], OpenApiResponse]:
    """The documented 404 of a read, beside those that every operation has."""
    body = problems.problem(404, code, detail, field=field)
    reply = OpenApiResponse(
        problems.SCHEMA, "No such thing", [OpenApiExample(code, body, response_only=True)]
    )
    return {(404, problems.CONTENT_TYPE): reply}


FEAST_REQUEST: dict[str, Any] = {
    "feature_service": "detection",
    "entities": {"series": ["checkout/latency_p99"]},
    "full_feature_names": False,
}
FEAST_ANSWER: dict[str, Any] = {
    "metadata": {"feature_names": ["series", "status", "theta_log2"]},
    "results": [
        {"values": [value], "statuses": ["PRESENT"], "event_timestamps": ["2026-11-21T12:00:00.123456Z"]}
        for value in ("checkout/latency_p99", "active", 1.0)
    ],
}
FEAST_ERROR = (
    '{"module": "feast.errors", "class": "FeatureServiceNotFoundException", '
    '"message": "Feature service detection__r9 does not exist"}'
)
