"""Who may use the routes of this room."""

from __future__ import annotations

from tests.classified import ANYBODY, AUTHORS, Page, Rule

PAGES = {
    "actions": Page(get=ANYBODY),
    "actions/new": Page(get=AUTHORS, post=AUTHORS),
    "actions/new/criterion": Page(get=AUTHORS),
    "actions/<int:pk>": Page(get=ANYBODY),
    "actions/<int:pk>/edit": Page(get=AUTHORS, post=AUTHORS),
    **{
        f"actions/<int:pk>/{name}": Page(get=None, post=AUTHORS)
        for name in ("start", "done", "drop", "reassign", "reopen")
    },
}
ROUTES = {
    "api/v1/actions": {"GET": Rule("actions:read"), "POST": Rule("actions:write", AUTHORS)},
    "api/v1/actions/<int:pk>": {"GET": Rule("actions:read")},
    "api/v1/actions/<int:pk>/done": {"POST": Rule("actions:write", AUTHORS)},
}
