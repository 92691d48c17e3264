"""The demo: a fictional shop, built through the same services that people use. Its telemetry is generated.

Loading it twice changes nothing but the tokens: the plain text of a token is never kept, so each start makes
new ones and revokes those of the start before.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.accounts import people, tokens
from apps.accounts.models import ApiToken, Role, User
from apps.postmortems.models import Postmortem
from apps.postmortems.services import file_postmortem
from apps.telemetry.demo import load_demo_telemetry

from . import services
from .drafts import Draft, clean_scope, clean_signals
from .provenance import clean_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .models import Insight

TOKEN_NAME = "demo"  # noqa: S105  # what the token is called, not the token
TOKEN_LIFE = timedelta(days=30)
MODEL_SCOPES = [
    "features:read",
    "releases:write",
    "insights:read",
    "postmortems:read",
    "telemetry:read",
    "alerts:read",
    "alerts:write",
]
CAST: dict[str, tuple[str, Role, list[str]]] = {
    "responder": ("robin", Role.RESPONDER, ["api"]),
    "reviewer": ("sam", Role.REVIEWER, ["api"]),
    "operator": ("kim", Role.OPERATOR, ["api"]),
    "model": ("detector-shop", Role.VIEWER, MODEL_SCOPES),
}
BATCH = """\
The nightly settlement batch raised checkout latency for forty minutes, four nights in a row.
Each night the on-call engineer was paged and found nothing that a customer could feel.
On the fifth night a real slowdown was taken for the batch, and we reacted twenty minutes late.
What we saw: the benign peaks stay under twice the usual threshold; the real one was five times above it.
What we recommend: alarm only upwards on checkout latency, and only well above the usual threshold.
The batch itself should move to a replica; that is action item 2.
"""
QUEUE = """\
The payment queue filled within minutes and was empty again a quarter of an hour later; \
nobody waited for a payment.
Such bursts come most nights and last three samples; the two real failures lasted an hour and a half.
An alarm that waits for five of six samples would have been quiet at every burst and early at both failures.
"""


def load() -> dict[str, str]:
    """Load what is missing and return a fresh token for each part of the cast."""
    cast = {part: _person(part) for part in CAST}
    load_demo_telemetry()
    if not Postmortem.objects.filter(author=cast["responder"]).exists():
        _tell(cast)
    return {part: _token(part, person) for part, person in cast.items()}


def _person(part: str) -> User:
    username, role, _ = CAST[part]
    known = User.objects.filter(username=username).first()
    return known or people.create_person(
        username=username,
        email=f"{username}@shop.example",
        roles=[role],
        is_service=part == "model",
        actor="demo",
    )


def _token(part: str, person: User) -> str:
    for old in ApiToken.objects.filter(user=person, name=TOKEN_NAME, revoked_at=None):
        tokens.revoke(token_id=old.pk, user=person)
    return tokens.issue(
        user=person, name=TOKEN_NAME, scopes=CAST[part][2], expires_in=TOKEN_LIFE, actor="demo"
    )


def _tell(cast: Mapping[str, User]) -> None:
    """One lesson that went the whole way, and one that waits for its reviewers."""
    batch = file_postmortem(
        title="Checkout pages every night during the settlement batch",
        service="checkout",
        narrative=BATCH,
        author=cast["responder"],
    )
    first = _propose(
        cast["responder"],
        batch,
        title="The settlement batch is not an incident",
        series="checkout/latency_p99",
        lines=(4, 5),
        signals=[{"kind": "theta_scale", "value": 1.0}, {"kind": "direction", "value": "up"}],
    )
    why = (
        "Agreed with the owners of checkout: the batch is known and harmless."  # kept only if the gate failed
    )
    for approver in (cast["reviewer"], cast["operator"]):
        services.approve_insight(insight_id=first.pk, approver=approver, override_reason=why)
    queue = file_postmortem(
        title="A burst in the payment queue was taken for a failure",
        service="payments",
        narrative=QUEUE,
        author=cast["responder"],
    )
    _propose(
        cast["responder"],
        queue,
        title="Bursts in the payment queue are short, failures are not",
        series="payments/queue_depth",
        lines=(2, 3),
        signals=[{"kind": "persistence", "value": {"k": 5, "n": 6}}],
        expires_at=timezone.now() + timedelta(days=180),
    )


def _propose(
    author: User,
    postmortem: Postmortem,
    *,
    title: str,
    series: str,
    lines: tuple[int, int],
    signals: list[dict[str, Any]],
    expires_at: datetime | None = None,
) -> Insight:
    draft = Draft(
        title=title,
        recommendation=postmortem.lines(*lines),
        scope=clean_scope({"series": [series]}),
        confidence=0.8,
        source=clean_source({"postmortem": postmortem.pk, "lines": list(lines)}, reader=author),
        signals=clean_signals(signals),
        expires_at=expires_at,
    )
    return services.propose_insight(draft=draft, author=author)
