"""Giving and taking roles, on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.common.errors import InvalidInputError, NotFoundError

from .models import Role, RoleGrant, User

if TYPE_CHECKING:
    from collections.abc import Iterable


@transaction.atomic
def grant(*, username: str, roles: Iterable[str], actor: str) -> list[str]:
    """Give roles; those that are held stay. Returns all roles held afterwards.

    Raises:
        NotFoundError: no such person.
        InvalidInputError: no such role.
    """
    person = _locked(username)
    wanted = _checked(roles)
    RoleGrant.objects.bulk_create(
        (RoleGrant(user=person, role=role) for role in wanted), ignore_conflicts=True
    )
    return _recorded(person, "roles_granted", wanted, actor)


@transaction.atomic
def revoke(*, username: str, roles: Iterable[str], actor: str) -> list[str]:
    """Take roles away; those that are not held do no harm. Returns all roles held afterwards.

    Raises:
        NotFoundError: no such person.
        InvalidInputError: no such role.
    """
    person = _locked(username)
    wanted = _checked(roles)
    RoleGrant.objects.filter(user=person, role__in=wanted).delete()
    return _recorded(person, "roles_revoked", wanted, actor)


def _locked(username: str) -> User:
    person = User.objects.select_for_update().filter(username=username).first()
    if person is None:
        raise NotFoundError(f"There is no person {username}.", field="username")
    return person


def _checked(roles: Iterable[str]) -> list[str]:
    wanted = sorted(set(roles))
    for role in wanted:
        if role not in Role.values:
            raise InvalidInputError(f"Unknown role: {role}.", field="roles")
    return wanted


def _recorded(person: User, action: str, wanted: list[str], actor: str) -> list[str]:
    ledger.record(
        actor=actor,
        action=action,
        object_type="user",
        object_id=person.pk,
        data={"username": person.username, "roles": wanted},
    )
    return sorted(RoleGrant.objects.filter(user=person).values_list("role", flat=True))
