"""One example of each request and answer, for the schema."""

from __future__ import annotations

from typing import Any

SERIES = {
    "id": "checkout/latency_p99",
    "service": "checkout",
    "metric": "latency_p99",
    "metric_family": "latency_p",
    "unit": "",
    "cadence_s": 300.0,
    "samples": 8064,
    "first_at": "2026-10-24T12:00:00Z",
    "last_at": "2026-11-21T11:55:00Z",
    "source": "csv",
}
SAMPLES = {
    "series": "checkout/latency_p99",
    "at": ["2026-11-21T11:50:00.000000Z", "2026-11-21T11:55:00.000000Z"],
    "value": [182.4, 190.1],
    "next_start": None,
}
CSV = "timestamp,value\n2026-11-21T11:50:00Z,182.4\n2026-11-21T11:55:00Z,190.1\n"
IMPORTED: dict[str, Any] = {
    "series": "checkout/latency_p99",
    "status": "imported",
    "added": 2,
    "changed": 0,
    "same": 0,
    "report": {
        "file": "body",
        "sha256": "2c6ae45aa8e5ee3d0d4d1a2c4a0b8f4c6f5c0a3d2a1d3b7f9f9c6b6f0a4e1d2c",
        "rows": 3,
        "samples": 2,
        "cadence_s": 300.0,
        "issues": {"missing_values": {"count": 1, "first_row": 3, "action": "dropped"}},
    },
}
LABEL = {
    "series": "checkout/latency_p99",
    "start": "2026-11-20T02:00:00Z",
    "end": "2026-11-20T02:40:00Z",
    "kind": "incident",
}
