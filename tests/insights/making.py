"""Makers for the tests of the insights room: through the services, as people would."""

from __future__ import annotations

import itertools
from typing import Any

from apps.accounts.models import Role, User
from apps.accounts.people import create_person
from apps.insights import missteps, services
from apps.insights.drafts import Draft, clean_scope, clean_signals
from apps.insights.models import Insight, Revision
from apps.insights.provenance import clean_source
from apps.postmortems.services import file_postmortem

_numbers = itertools.count(1)
WHY = "The owners agreed."


def person(*roles: Role) -> User:
    name = f"person{next(_numbers)}"
    return create_person(username=name, email=f"{name}@shop.example", roles=list(roles))


def draft(author: User, **changes: Any) -> Draft:
    postmortem = file_postmortem(
        title="Slow checkout",
        service="checkout",
        narrative="first line\nsecond line\nthird line",
        author=author,
    )
    values: dict[str, Any] = {
        "title": "Alarm later",
        "recommendation": "Raise the threshold.",
        "scope": "checkout/latency_p99",
        "confidence": 0.8,
        "provenance": {"postmortem": postmortem.pk, "lines": [2, 3]},
        "signals": [{"kind": "theta_scale", "value": 1.0}],
        "prose_reason": "",
        "expires_at": None,
        "objectives": ("reliability",),
    } | changes
    return Draft(
        title=values["title"],
        recommendation=values["recommendation"],
        scope=clean_scope(values["scope"]),
        confidence=values["confidence"],
        source=clean_source(values["provenance"], reader=author),
        signals=clean_signals(values["signals"]),
        prose_reason=values["prose_reason"],
        expires_at=values["expires_at"],
        objectives=values["objectives"],
    )


def propose(author: User | None = None, **changes: Any) -> Insight:
    author = author or person(Role.RESPONDER)
    return services.propose_insight(draft=draft(author, **changes), author=author)


def read_all(insight: Insight) -> list[int]:
    """What an approver ticks who reads everything."""
    newest = Revision.objects.get(insight=insight, number=Insight.objects.get(pk=insight.pk).revision)
    return [row.pk for row in missteps.near_revision(newest)]


def approve(insight: Insight, *approvers: User, why: str = WHY) -> Insight:
    for approver in approvers or (person(Role.REVIEWER), person(Role.OPERATOR)):
        insight = services.approve_insight(
            insight_id=insight.pk, approver=approver, override_reason=why, missteps_read=read_all(insight)
        )
    return insight
