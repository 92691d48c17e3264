"""Who may use the routes of this room."""

from __future__ import annotations

from tests.classified import ANYBODY, JUDGES, OPERATORS, Page, Rule

PAGES = {
    "impact": Page(get=ANYBODY),
    "impact/power": Page(get=ANYBODY),
    "impact/learning": Page(get=ANYBODY),
    "actions/<int:pk>/verdict": Page(get=ANYBODY),
    "actions/<int:pk>/measure-again": Page(get=None, post=JUDGES | OPERATORS),
    "insights/<int:pk>/verdicts": Page(get=ANYBODY),
    "insights/<int:pk>/watch": Page(get=ANYBODY),
    "verdicts/<int:pk>": Page(get=ANYBODY),
    "verdicts/<int:pk>.json": Page(get=ANYBODY),
}
ROUTES = {
    "api/v1/actions/<int:pk>/verdicts": {"GET": Rule("actions:read")},
    "api/v1/impact": {"GET": Rule("actions:read")},
    "api/v1/learning-metrics": {"GET": Rule("actions:read")},
    "api/v1/insights/<int:pk>/watch": {"GET": Rule("insights:read")},
}
