"""Who may use the routes of this room."""

from __future__ import annotations

from tests.classified import ANYBODY, Page, Rule

PAGES = {
    "notices": Page(get=ANYBODY),
    "notices/read": Page(get=None, post=ANYBODY),
    "notices/<int:pk>/open": Page(get=None, post=ANYBODY),
    "notices/<int:pk>/read": Page(get=None, post=ANYBODY),
    "me/mail": Page(get=ANYBODY, post=ANYBODY),
}
ROUTES = {
    "api/v1/notices": {"GET": Rule("notices:read")},
    "api/v1/notices/<int:notice_id>/read": {"POST": Rule("notices:read")},
}
