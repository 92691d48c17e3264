"""The steps of the loop over HTTP, as each of the demo's people would do them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

NARRATIVE = "The page fired at night.\nNobody could feel it.\nWe should alarm later on this series.\n"
WHY = "Agreed with the owners of the service."


def propose(place: Installation, series: str, *, scale: float = 1.0, **changes: Any) -> dict[str, Any]:
    """File a postmortem and propose an insight that cites its third line."""
    service = series.split("/", maxsplit=1)[0]
    postmortem: dict[str, Any] = place.post(
        "responder",
        "/api/v1/postmortems",
        {"title": f"Noise on {series}", "service": service, "narrative": NARRATIVE},
    )
    body = {
        "title": f"Alarm later on {series}",
        "recommendation": "Raise the threshold.",
        "scope": {"series": [series]},
        "confidence": 0.9,
        "provenance": {"postmortem": postmortem["id"], "lines": [3, 3]},
        "signals": [{"kind": "theta_scale", "value": scale}],
    } | changes
    insight: dict[str, Any] = place.post("responder", "/api/v1/insights", body)
    return insight


def approve(place: Installation, insight: dict[str, Any]) -> dict[str, Any]:
    """Both approvals; the reply to the second, with its release."""
    yes = {"revision": insight["revision"], "override_reason": WHY}
    place.post("reviewer", f"/api/v1/insights/{insight['id']}/approve", yes)
    approved: dict[str, Any] = place.post("operator", f"/api/v1/insights/{insight['id']}/approve", yes)
    return approved


def served(place: Installation, number: int, *, within_s: float = 10) -> dict[str, Any]:
    """The release once it is served; fails when that takes longer than `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        release: dict[str, Any] = place.get("operator", f"/api/v1/releases/{number}")
        if release["served_at"] is not None:
            return release
        assert time.monotonic() < deadline, f"release {number} not served within {within_s} s"
        time.sleep(0.1)
