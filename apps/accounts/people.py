"""Making people and service accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.audit import ledger
from apps.common.errors import DomainError, InvalidInputError

from .models import Membership, Role, RoleGrant, Team, User

if TYPE_CHECKING:
    from collections.abc import Iterable


class NameTakenError(DomainError):
    """Somebody has this user name, in whatever case."""

    code = "name_taken"


@transaction.atomic
def create_person(
    *,
    username: str,
    email: str,
    roles: Iterable[str],
    team: Team | None = None,
    is_service: bool = False,
    password: str | None = None,
    actor: str = "system",
) -> User:
    """Make an account with roles, and a membership if a team is given. No password means no page login.

    Raises:
        InvalidInputError: the name, address or a role is not one.
        NameTakenError: the name exists, in any case.
    """
    wanted = _checked_roles(roles)
    _check_identity(username, email)
    if User.objects.filter(username__iexact=username).exists():
        raise NameTakenError(f"The name {username} is taken.", field="username")
    try:
        with transaction.atomic():
            user = User.objects.create_user(
                username=username, email=email, password=password, is_service=is_service
            )
    except IntegrityError as exc:  # somebody else was quicker
        raise NameTakenError(f"The name {username} is taken.", field="username") from exc
    RoleGrant.objects.bulk_create(RoleGrant(user=user, role=role) for role in wanted)
    if team is not None:
        Membership.objects.create(team=team, user=user)
    ledger.record(
        actor=actor,
        action="person_created",
        object_type="user",
        object_id=user.pk,
        data={"username": username, "roles": wanted, "is_service": is_service},
    )
    return user


def _checked_roles(roles: Iterable[str]) -> list[str]:
    wanted = sorted({str(role) for role in roles})
    for role in wanted:
        if role not in Role.values:
            raise InvalidInputError(f"Unknown role: {role}.", field="roles")
    return wanted


def _check_identity(username: str, email: str) -> None:
    try:
        User._meta.get_field("username").run_validators(username)  # noqa: SLF001
        User._meta.get_field("username").validate(username, None)  # noqa: SLF001
    except ValidationError as exc:
        raise InvalidInputError(" ".join(exc.messages), field="username") from exc
    try:
        if email:
            validate_email(email)
    except ValidationError as exc:
        raise InvalidInputError(" ".join(exc.messages), field="email") from exc
