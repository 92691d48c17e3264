"""Who plays in the browser tests: the people of the demo, one for each role, and a stranger."""

from __future__ import annotations

ROLES: dict[str, str | None] = {
    "stranger": None,
    "viewer": "lee",
    "responder": "robin",
    "reviewer": "sam",
    "operator": "kim",
    "programme_owner": "alex",
    "privacy_officer": "noor",
    "admin": "ada",
}
