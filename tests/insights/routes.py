from __future__ import annotations

from apps.accounts.models import Role
from tests.classified import ANYBODY, AUTHORS, OPERATORS, Page, Rule

from .editor_routes import EDITOR_PAGES

COMPARERS = frozenset({Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN})
SHOWN = Page(get=ANYBODY)
DEED = Page(get=None, post=AUTHORS)
WRITE = {"POST": Rule("insights:write", AUTHORS)}

PAGES = {
    "queue": SHOWN,
    "insights": SHOWN,
    "insights/<int:pk>": SHOWN,
    "insights/<int:pk>/evidence": SHOWN,
    "insights/<int:pk>/last-days": SHOWN,
    "insights/<int:pk>/approve": DEED,
    "insights/<int:pk>/score": DEED,
    "insights/<int:pk>/request-changes": DEED,
    "insights/<int:pk>/reject": DEED,
    "insights/<int:pk>/reopen": DEED,
    "insights/<int:pk>/withdraw": DEED,
    "insights/<int:pk>/gate": DEED,
    "insights/<int:pk>/lift-cap": Page(get=None, post=OPERATORS),
    "missteps": SHOWN,
    "postmortems/<int:pk>/insights": SHOWN,
    "releases/<int:number>/revert": Page(get=None, post=OPERATORS),
    "releases/<int:number>/compare/<int:other>/worth": Page(get=ANYBODY, post=COMPARERS),
    "insights/<int:pk>/life-cycle": SHOWN,
    "insights/<int:pk>/shadow": SHOWN,
    "insights/<int:pk>/shadow/start": DEED,
    "insights/<int:pk>/shadow/stop": DEED,
    **EDITOR_PAGES,
}
ROUTES = {
    "api/v1/insights/<int:pk>/request-changes": WRITE,
    "api/v1/insights/<int:pk>/reject": WRITE,
    "api/v1/insights/<int:pk>/reopen": WRITE,
    "api/v1/releases/<int:number>/ablations": {
        "GET": Rule("insights:read"),
        "POST": Rule("insights:write", COMPARERS),
    },
    "api/v1/releases/<int:number>/ablations/<int:pk>": {"GET": Rule("insights:read")},
    "api/v1/insights/<int:pk>/shadow-runs": {"GET": Rule("insights:read"), **WRITE},
    "api/v1/insights/<int:pk>/shadow-runs/stop": WRITE,
    "api/v1/shadow-runs/<int:pk>/readings": {"GET": Rule("insights:read")},
    "api/v1/insights/<int:pk>/lift-cap": {"POST": Rule("insights:write", OPERATORS)},
    "api/v1/insights/<int:pk>/evidence": {"GET": Rule("insights:read")},
    "api/v1/missteps": {"GET": Rule("insights:read")},
    "api/v1/queue": {"GET": Rule("insights:read")},
}
