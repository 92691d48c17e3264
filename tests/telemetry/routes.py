"""Who may use which page of this room; its other API routes stand in `tests/accounts/test_matrix.py`."""

from __future__ import annotations

from tests.classified import ANYBODY, JUDGES, Page, Rule

PAGES = {
    "labels/quarantine": Page(get=ANYBODY),
    "labels/quarantine/<int:pk>/release": Page(get=JUDGES, post=JUDGES),
}
ROUTES = {
    "api/v1/labels/quarantine": {"GET": Rule("telemetry:read")},
    "api/v1/labels/quarantine/<int:pk>/release": {"POST": Rule("api", JUDGES)},
}
