"""Who is calling: `Authorization: Bearer …`, for the API and for doors that are no DRF views."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from .models import ApiToken

if TYPE_CHECKING:
    from rest_framework.request import Request

    from .models import User

CHALLENGE = 'Bearer realm="aftercast"'


def token_digest(plain: str) -> str:
    """SHA-256 in hex. A plain hash is enough: 256 random bits leave nothing to guess."""
    return hashlib.sha256(plain.encode("utf-8", "surrogateescape")).hexdigest()


def bearer_of(header: str) -> str | None:
    """The token of an Authorization header; None if the header speaks of something else."""
    scheme, _, plain = header.strip().partition(" ")
    return plain.strip() if scheme.lower() == "bearer" else None


def authenticate_bearer(header: str) -> ApiToken | None:
    """The live token of a raw Authorization header, its person loaded; None if there is none. One query."""
    plain = bearer_of(header)
    token = _find(plain) if plain else None
    return token if token is not None and _fault(token) is None else None


class BearerTokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        plain = bearer_of(request.META.get("HTTP_AUTHORIZATION", ""))
        if plain is None:
            return None
        token = _find(plain)
        if token is None:
            raise AuthenticationFailed("The token is not known.", code="token_invalid")
        if fault := _fault(token):
            raise AuthenticationFailed(fault[1], code=fault[0])
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def _find(plain: str) -> ApiToken | None:
    return ApiToken.objects.select_related("user").filter(digest=token_digest(plain)).first()


def _fault(token: ApiToken) -> tuple[str, str] | None:
    """Why a known token does not open the door. Its holder may know: the token itself proves who asks."""
    if token.revoked_at is not None:
        return "token_revoked", "The token was revoked."
    if token.expires_at <= timezone.now():
        return "token_expired", "The token has expired."
    if not token.user.is_active:
        return "token_invalid", "The token's account is closed."
    return None
