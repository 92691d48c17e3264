"""Who may use which page of this room."""

from __future__ import annotations

from apps.accounts.models import Role
from tests.classified import ANYBODY, OPERATORS, Page, Rule

KEEPERS = frozenset({Role.ADMIN, Role.PROGRAMME_OWNER})
PAGES = {
    "vocabularies": Page(get=ANYBODY),
    "services/<str:slug>/edit": Page(get=KEEPERS, post=KEEPERS),
    "protected-windows": Page(get=ANYBODY, post=OPERATORS),
    "protected-windows/<int:pk>/end": Page(get=None, post=OPERATORS),
}
KEEPING = Rule("api", OPERATORS)
ROUTES = {
    "api/v1/protected-windows": {"GET": Rule("catalog:read"), "POST": KEEPING},
    "api/v1/protected-windows/<int:pk>/end": {"POST": KEEPING},
}
