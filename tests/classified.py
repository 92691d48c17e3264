"""How rooms classify their pages for the test of all routes: `tests/<room>/routes.py` holds PAGES and ROUTES.

`PAGES` maps a route to a `Page`, or to "public"; `ROUTES` maps an API route to {method: Rule}, as in
`tests/accounts/test_matrix.py`. A route that nobody classifies fails there.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.accounts.models import Role

ANYBODY = frozenset[str]()
AUTHORS = frozenset({Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN})
JUDGES = frozenset({Role.REVIEWER, Role.OPERATOR})
PINNERS = frozenset({Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN})
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})


@dataclass(frozen=True)
class Rule:
    """A token with `scope` (any if empty) of somebody with one of `roles` (of anybody if there are none)."""

    scope: str
    roles: frozenset[str] = ANYBODY
    services_too: bool = False


@dataclass(frozen=True)
class Page:
    """Roles that may GET and POST a page: ANYBODY is everybody signed in, None nobody."""

    get: frozenset[str] | None = ANYBODY
    post: frozenset[str] | None = None


def collected(name: str) -> dict[str, Any]:
    """The tables called `name` of every `tests/<room>/routes.py`, as one."""
    found: dict[str, Any] = {}
    for path in sorted(Path(__file__).parent.glob("*/routes.py")):
        module = importlib.import_module(f"tests.{path.parent.name}.routes")
        found |= getattr(module, name, {})
    return found
