"""Signing in on pages: local accounts of people, by user name or e-mail address."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from .models import User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest


class LocalAccounts(ModelBackend):
    """Service accounts never sign in here: programs show a token, and nobody sits behind them."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """The person whose name or address and password these are. An unknown name costs as much time."""
        if username is None or password is None:
            return None
        user = _by_name(username.strip())
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: AbstractBaseUser | AnonymousUser | None) -> bool:
        return isinstance(user, User) and user.is_active and not user.is_service


def _by_name(typed: str) -> User | None:
    """The account of a user name, else of an address that just one living account of a person has."""
    named = User.objects.filter(username__iexact=typed).first()
    if named is not None or "@" not in typed:
        return named
    having = User.objects.filter(email__iexact=typed, is_active=True, is_service=False)[:2]
    return having[0] if len(having) == 1 else None


def name_for_lock(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """What failed tries are counted by: the name as it was typed, in one case, whether it exists or not."""
    typed = (credentials or {}).get("username") or request.POST.get("username", "")
    return str(typed).strip().casefold().replace("\x00", "")[:255]


def address_for_lock(request: HttpRequest) -> str | None:
    """Where a try comes from; behind the proxy that ends TLS, what that proxy wrote last."""
    given = request.META.get("REMOTE_ADDR") or ""
    if settings.SECURE_PROXY_SSL_HEADER:
        given = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or given
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        return None
