"""People and their HTTP clients, for the tests of every room."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.test import Client

from apps.accounts import people, tokens

if TYPE_CHECKING:
    from apps.accounts.models import User


def make_person(username: str, *roles: str, is_service: bool = False) -> User:
    return people.create_person(
        username=username, email=f"{username}@example.org", roles=roles, is_service=is_service
    )


def make_token(user: User, *scopes: str, **more: Any) -> str:
    return tokens.issue(
        user=user, name="test", scopes=scopes or ["api"], expires_in=timedelta(days=1), **more
    )


class Api(Client):
    """Speaks JSON with a bearer token; a failing view answers as it would to a stranger."""

    def __init__(self, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        super().__init__(headers=headers, raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        headers = {} if key is None else {"Idempotency-Key": key}
        content = {} if body is None else {"data": body, "content_type": "application/json"}
        return getattr(self, method.lower())(path, headers=headers, **content)


def api_of(user: User, *scopes: str) -> Api:
    return Api(make_token(user, *scopes))
