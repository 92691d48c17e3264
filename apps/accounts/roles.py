"""Giving and taking roles, on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

from apps.audit import ledger
from apps.common.errors import DomainError, InvalidInputError, NotFoundError

from .models import Role, RoleGrant, User

if TYPE_CHECKING:
    from collections.abc import Iterable

ADMIN_LOCK = 0x61646D69  # "admi": whoever may end somebody's administration waits here


# What each role is for, as the pages say it.
WORDS: dict[str, str] = {
    Role.VIEWER: "reads everything that is not restricted",
    Role.RESPONDER: "writes incidents, postmortems, insights and actions",
    Role.OPERATOR: "validates what changes detectors; approves, pins and reverts releases",
    Role.REVIEWER: "scores and approves insights of others",
    Role.PROGRAMME_OWNER: "writes as responders do, and owns the programme",
    Role.PRIVACY_OFFICER: "reveals what was redacted; each time is recorded",
    Role.ADMIN: "people, teams and roles; reverts releases; no judgement on insights",
}


class LastAdminError(DomainError):
    """Nobody would be left who can let people in."""

    code = "last_admin"


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
        LastAdminError: this is the last active administrator.
    """
    lock_administration()
    person = _locked(username)
    wanted = _checked(roles)
    if Role.ADMIN in wanted:
        check_not_last_admin(person)
    RoleGrant.objects.filter(user=person, role__in=wanted).delete()
    return _recorded(person, "roles_revoked", wanted, actor)


@transaction.atomic
def assign(*, username: str, roles: Iterable[str], actor: str) -> list[str]:
    """Make these the roles of the person, by granting and revoking what differs. Returns them.

    Raises:
        NotFoundError: no such person.
        InvalidInputError: no such role.
        LastAdminError: this is the last active administrator.
    """
    lock_administration()
    person = _locked(username)
    wanted = set(_checked(roles))
    held = set(RoleGrant.objects.filter(user=person).values_list("role", flat=True))
    if wanted - held:
        grant(username=username, roles=wanted - held, actor=actor)
    if held - wanted:
        revoke(username=username, roles=held - wanted, actor=actor)
    return sorted(wanted)


def lock_administration() -> None:
    """Wait for others who may be ending an administration; held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADMIN_LOCK])


def check_not_last_admin(person: User) -> None:
    """Behind `lock_administration`.

    Raises:
        LastAdminError: the person is an active administrator, and there is no other.
    """
    admins = User.objects.filter(is_active=True, is_service=False, role_grants__role=Role.ADMIN)
    if admins.filter(pk=person.pk).exists() and not admins.exclude(pk=person.pk).exists():
        raise LastAdminError(
            f"{person.username} is the last active administrator.",
            field="roles",
            remedy="Give the role admin to somebody else first.",
        )


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
