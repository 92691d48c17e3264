"""Who may use which page of this room."""

from __future__ import annotations

from apps.accounts.models import Role
from tests.classified import ANYBODY, Page

KEEPERS = frozenset({Role.ADMIN, Role.PROGRAMME_OWNER})
PAGES = {
    "vocabularies": Page(get=ANYBODY),
    "services/<str:slug>/edit": Page(get=KEEPERS, post=KEEPERS),
}
