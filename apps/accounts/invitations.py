"""The one-time link that makes the first administrator of a new installation."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import ClassVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from apps.audit import ledger
from apps.common.errors import DomainError, InvalidInputError

from .authentication import token_digest
from .models import FirstAdminLink, Role, RoleGrant, User
from .people import create_person

LIFE = timedelta(hours=24)
SETUP_LOCK = 0x73657475  # "setu": one first administrator, whatever the number of links


class LinkError(DomainError):
    """The link is unknown, used or too old, or there is an administrator already."""

    code: ClassVar[str] = "link_not_valid"
    status: ClassVar[int] = 410


@transaction.atomic
def first_admin_link(base_url: str) -> str | None:
    """A new link, valid once and for 24 hours; older ones end. None if there is an administrator."""
    _lock()
    if _administrator_exists():
        return None
    FirstAdminLink.objects.filter(used_at=None).delete()
    plain = secrets.token_urlsafe(32)
    FirstAdminLink.objects.create(digest=token_digest(plain), expires_at=timezone.now() + LIFE)
    return f"{base_url.rstrip('/')}/setup/{plain}"


def check_link(plain: str) -> FirstAdminLink:
    """The link of this token.

    Raises:
        LinkError: it opens nothing; the text says why.
    """
    link = FirstAdminLink.objects.filter(digest=token_digest(plain)).first()
    if link is None or link.used_at is not None or _administrator_exists():
        raise LinkError(
            "This link was used, or never existed.",
            remedy="Sign in, or ask an administrator for an account.",
        )
    if link.expires_at <= timezone.now():
        raise LinkError("This link is older than 24 hours.", remedy="Restart Aftercast: it prints a new one.")
    return link


@transaction.atomic
def make_first_admin(*, plain: str, username: str, email: str, password: str) -> User:
    """Use the link up. Of two uses at once one wins and the other finds the link used.

    Raises:
        LinkError: see `check_link`.
        InvalidInputError: the name, address or password will not do.
    """
    _lock()
    link = check_link(plain)
    try:
        validate_password(password, User(username=username, email=email))
    except ValidationError as exc:
        raise InvalidInputError(" ".join(exc.messages), field="password") from exc
    FirstAdminLink.objects.filter(pk=link.pk).update(used_at=timezone.now())
    user = create_person(
        username=username, email=email, roles=[Role.ADMIN], password=password, actor=username
    )
    ledger.record(actor=username, action="first_admin_made", object_type="user", object_id=user.pk)
    return user


def _administrator_exists() -> bool:
    return RoleGrant.objects.filter(role=Role.ADMIN, user__is_active=True).exists()


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETUP_LOCK])
