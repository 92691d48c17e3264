"""Who may use the routes of this room."""

from __future__ import annotations

from tests.classified import ADMINS, ANYBODY, AUTHORS, Page, Rule

PAGES = {
    "actions": Page(get=ANYBODY),
    "actions/completion": Page(get=ANYBODY),
    "actions/completion/targets": Page(get=None, post=ADMINS),
    "actions/export.csv": Page(get=ANYBODY),
    "actions/hand-over": Page(get=AUTHORS, post=AUTHORS),
    "actions/hand-over/<str:batch>/undo": Page(get=None, post=AUTHORS),
    "actions/new": Page(get=AUTHORS, post=AUTHORS),
    "actions/new/criterion": Page(get=AUTHORS),
    "actions/<int:pk>": Page(get=ANYBODY),
    "actions/<int:pk>/edit": Page(get=AUTHORS, post=AUTHORS),
    **{
        f"actions/<int:pk>/{name}": Page(get=None, post=AUTHORS)
        for name in (
            *("start", "done", "drop", "reassign", "reopen"),
            *("issue", "issue/unlink", "issue/again"),
        )
    },
    "trackers": Page(get=ADMINS),
    "trackers/new": Page(get=ADMINS, post=ADMINS),
    "trackers/<int:pk>": Page(get=ADMINS),
    **{f"trackers/<int:pk>/{name}": Page(get=None, post=ADMINS) for name in ("test", "people", "remove")},
    "hooks/trackers/<str:key>": "public",  # a signature over the body is asked for
}
ROUTES = {
    "api/v1/actions": {"GET": Rule("actions:read"), "POST": Rule("actions:write", AUTHORS)},
    "api/v1/actions/<int:pk>": {"GET": Rule("actions:read"), "PATCH": Rule("actions:write", AUTHORS)},
    **{
        f"api/v1/actions/<int:pk>/{name}": {"POST": Rule("actions:write", AUTHORS)}
        for name in ("start", "drop", "reassign", "reopen")
    },
    "api/v1/actions/<int:pk>/issue": {
        "GET": Rule("actions:read"),
        "POST": Rule("actions:write", AUTHORS),
        "DELETE": Rule("actions:write", AUTHORS),
    },
    "api/v1/actions/completion": {"GET": Rule("actions:read")},
    "api/v1/actions/completion/targets": {"POST": Rule("actions:write", ADMINS)},
    "api/v1/actions/hand-over": {"POST": Rule("actions:write", AUTHORS)},
    "api/v1/actions/hand-over/<str:batch>/undo": {"POST": Rule("actions:write", AUTHORS)},
    "api/v1/trackers": {"GET": Rule("api", ADMINS), "POST": Rule("api", ADMINS)},
    "api/v1/trackers/<int:pk>": {"GET": Rule("api", ADMINS), "DELETE": Rule("api", ADMINS)},
    "api/v1/trackers/<int:pk>/test": {"POST": Rule("api", ADMINS)},
    "api/v1/trackers/<int:pk>/people": {"POST": Rule("api", ADMINS)},
    "api/v1/actions/<int:pk>/done": {"POST": Rule("actions:write", AUTHORS)},
}
