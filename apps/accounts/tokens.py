"""API tokens: made once in plain, kept as a hash."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.audit import ledger
from apps.common.errors import InvalidInputError, NotFoundError

from .authentication import token_digest
from .models import ApiToken, User

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "aft_"  # lets secret scanners and people tell what leaked
HINT_CHARS = 8
MAX_NAME = 120
MAX_DAYS = 3660
SCOPES = {
    "api": "everything that its person may do",
    "features:read": "read features and releases",
    "alerts:read": "read alarms",
    "alerts:write": "report alarms",
    "changes:write": "report changes",
    "outcomes:write": "report outcome labels",
    "telemetry:read": "read series",
    "telemetry:write": "import series",
    "incidents:read": "read incidents",
    "incidents:write": "declare and amend incidents, change their state",
    "insights:read": "read insights",
    "insights:write": "propose, revise, approve and withdraw insights",
    "postmortems:read": "read postmortems",
    "postmortems:write": "file postmortems",
    "actions:read": "read action items and their verdicts",
    "actions:write": "open action items and mark them as done",
    "releases:write": "pin, unpin and revert releases",
    "catalog:read": "read services, teams and vocabularies",
    "notices:read": "read and tick off my notices",
}


@transaction.atomic
def issue(
    *,
    user: User,
    name: str,
    scopes: Iterable[str],
    expires_in: timedelta,
    min_confidence: float | None = None,
    actor: str = "",
    nonce: str = "",
) -> str:
    """Make a token; its plain text is returned here and kept nowhere. With a `nonce` it is `derive(nonce)`.

    Raises:
        InvalidInputError: no name, an unknown scope, a life not in (0, 10 years], a confidence not in [0, 1].
    """
    wanted = _checked_scopes(scopes)
    if not name.strip() or len(name) > MAX_NAME or "\x00" in name:
        raise InvalidInputError(f"A token needs a name of at most {MAX_NAME} characters.", field="name")
    if not timedelta(0) < expires_in <= timedelta(days=MAX_DAYS):
        raise InvalidInputError(f"A token lives from 1 to {MAX_DAYS} days.", field="days")
    if min_confidence is not None and not 0 <= min_confidence <= 1:
        raise InvalidInputError("A confidence is a number from 0 to 1.", field="min_confidence")
    plain = derive(nonce) if nonce else PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        digest=token_digest(plain),
        hint=plain[:HINT_CHARS],
        scopes=wanted,
        min_confidence=min_confidence,
        expires_at=timezone.now() + expires_in,
    )
    ledger.record(
        actor=actor or user.username,
        action="token_issued",
        object_type="token",
        object_id=token.pk,
        data={"user": user.username, "name": token.name, "scopes": wanted},
    )
    return plain


@transaction.atomic
def revoke(*, token_id: int, user: User, actor: str = "") -> None:
    """End one of the tokens of `user` at once; twice is once. `actor` is somebody else, if it was.

    Raises:
        NotFoundError: no such token of this person.
    """
    token = ApiToken.objects.select_for_update().filter(pk=token_id, user=user).first()
    if token is None:
        raise NotFoundError("No such token of yours.")
    if token.revoked_at is not None:
        return
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    ledger.record(
        actor=actor or user.username, action="token_revoked", object_type="token", object_id=token.pk
    )


def derive(nonce: str) -> str:
    """The token that belongs to a nonce, for whoever has this installation's secret key.

    It lets a repeated request get the same answer although no answer with a plain token is ever stored.
    """
    mac = salted_hmac("apps.accounts.tokens", nonce, algorithm="sha256").digest()
    return PREFIX + base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = sorted(set(scopes))
    if not wanted:
        raise InvalidInputError("A token needs at least one scope.", field="scopes")
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown:
        raise InvalidInputError(
            f"Unknown scope: {unknown[0]}.", field="scopes", remedy=f"Scopes are {', '.join(SCOPES)}."
        )
    return wanted
