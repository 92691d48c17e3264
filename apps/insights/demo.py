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
from .models import Insight
from .provenance import clean_source

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_NAME = "demo"
TOKEN_LIFE = timedelta(days=30)
MODEL_SCOPES = [
    "features:read",
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
NARRATIVE = """\
The nightly settlement batch raised checkout latency for forty minutes, four nights in a row.
Each night the on-call engineer was paged and found nothing that a customer could feel.
On the fifth night a real slowdown was taken for the batch, and we reacted twenty minutes late.
What we saw: the benign peaks stay under twice the usual threshold; the real one was five times above it.
What we recommend: alarm only upwards on checkout latency, and only well above the usual threshold.
The batch itself should move to a replica; that is action item 2.
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
    postmortem = file_postmortem(
        title="Checkout pages every night during the settlement batch",
        service="checkout",
        narrative=NARRATIVE,
        author=cast["responder"],
    )
    first = _propose(
        cast["responder"],
        postmortem,
        title="The settlement batch is not an incident",
        lines=[4, 5],
        signals=[{"kind": "theta_scale", "value": 1.0}, {"kind": "direction", "value": "up"}],
    )
    why = "Agreed with the owners of checkout: the batch is known and harmless."
    for approver in (cast["reviewer"], cast["operator"]):
        services.approve_insight(insight_id=first.pk, approver=approver, override_reason=why)
    _propose(
        cast["responder"],
        postmortem,
        title="A slow checkout stays slow for more than a sample",
        lines=[2, 3],
        signals=[{"kind": "persistence", "value": {"k": 3, "n": 5}}],
        expires_at=timezone.now() + timedelta(days=180),
    )


def _propose(author: User, postmortem: Postmortem, *, title: str, lines: list[int], **rest: Any) -> Insight:
    draft = Draft(
        title=title,
        recommendation="\n".join(NARRATIVE.splitlines()[lines[0] - 1 : lines[1]]),
        scope=clean_scope({"series": ["checkout/latency_p99"]}),
        confidence=0.8,
        source=clean_source({"postmortem": postmortem.pk, "lines": lines}, reader=author),
        signals=clean_signals(rest["signals"]),
        expires_at=rest.get("expires_at"),
    )
    return services.propose_insight(draft=draft, author=author)
