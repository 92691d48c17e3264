"""Who may use which route of this room."""

from __future__ import annotations

from tests.classified import ANYBODY, AUTHORS, Page, Rule

WRITE = Rule("incidents:write", AUTHORS, services_too=True)
ROUTES = {
    "api/v1/incidents": {"GET": Rule("incidents:read"), "POST": WRITE},
    "api/v1/incidents/<int:pk>": {"GET": Rule("incidents:read"), "POST": WRITE},
    "api/v1/incidents/<int:pk>/state": {"POST": WRITE},
    "api/v1/incidents/<int:pk>/remediations": {"GET": Rule("incidents:read"), "POST": WRITE},
}
PAGES = {
    "incidents": Page(get=ANYBODY),
    "incidents/new": Page(get=AUTHORS, post=AUTHORS),
    "incidents/series": Page(get=AUTHORS),
    "incidents/<int:pk>": Page(get=ANYBODY),
    "incidents/<int:pk>/edit": Page(get=AUTHORS, post=AUTHORS),
    "incidents/<int:pk>/state": Page(get=None, post=AUTHORS),
}
