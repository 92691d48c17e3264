"""The caller, and the caller's own tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from apps.accounts import tokens
from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import ApiToken, Team

from .serializers import (
    MeSerializer,
    NewTokenSerializer,
    TokenInput,
    TokenPageSerializer,
    TokenSerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

# Only a token with the scope "api" may make tokens: a narrow one could otherwise widen itself.
OWN_TOKENS = Access(scope="api")
ME = {
    "username": "ann",
    "email": "ann@example.org",
    "is_service": False,
    "roles": ["operator", "reviewer"],
    "teams": ["payments"],
    "scopes": ["api"],
}
WISH = {"name": "notebook", "scopes": ["features:read"], "days": 90}
TOKEN = {
    "id": 7,
    "name": "notebook",
    "hint": "aft_Zk3x",
    "scopes": ["features:read"],
    "min_confidence": 0.7,
    "created_at": "2026-11-21T12:00:00.000000Z",
    "expires_at": "2027-02-19T12:00:00.000000Z",
    "revoked_at": None,
}


class MeView(ApiView):
    access: ClassVar = {"GET": Access(scope="")}

    @extend_schema(
        operation_id="me",
        summary="Who the caller is",
        responses=MeSerializer,
        examples=[OpenApiExample("me", ME, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        person = self.person
        teams = Team.objects.filter(memberships__user=person)
        return Response(
            {
                "username": person.username,
                "email": person.email,
                "is_service": person.is_service,
                "roles": sorted(person.roles()),
                "teams": list(teams.order_by("slug").values_list("slug", flat=True)),
                "scopes": self.token.scopes if self.token else None,
            }
        )


class TokensView(ApiView):
    access: ClassVar = {"GET": OWN_TOKENS, "POST": OWN_TOKENS}

    @extend_schema(
        operation_id="tokens_list",
        summary="My tokens, newest first, ended ones included",
        parameters=PAGE_PARAMETERS,
        responses=TokenPageSerializer,
        examples=[OpenApiExample("page", {"items": [TOKEN], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = keyset(ApiToken.objects.filter(user=self.person), request, "-id")
        return Response({**page, "items": TokenSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="tokens_create",
        summary="Make a token of mine; its text is in this answer and nowhere else",
        request=TokenInput,
        responses={201: NewTokenSerializer},
        examples=[
            OpenApiExample("wish", WISH, request_only=True),
            OpenApiExample("made", {"token": "aft_Zk3xQ…"}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.validated_data
        nonce = secrets.token_urlsafe(24)
        tokens.issue(
            user=self.person,
            name=wish["name"],
            scopes=wish["scopes"],
            expires_in=timedelta(days=wish["days"]),
            min_confidence=wish.get("min_confidence"),
            nonce=nonce,
        )
        return Response({"nonce": nonce}, status=201)

    def after_commit(self, request: Request, response: Response) -> Response:
        """Under an Idempotency-Key the nonce is stored; the caller gets the token, the same each time."""
        response.data = {"token": tokens.derive(response.data["nonce"])}
        return response


class TokenView(ApiView):
    access: ClassVar = {"DELETE": OWN_TOKENS}

    @extend_schema(
        operation_id="tokens_revoke", summary="End one of my tokens at once", responses={204: None}
    )
    def delete(self, request: Request, token_id: int) -> Response:
        tokens.revoke(token_id=token_id, user=self.person)
        return Response(status=204)
