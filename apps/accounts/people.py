"""Making people and service accounts, and what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q

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
    if name_is_taken(username, email):
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


def name_is_taken(username: str, own_email: str = "") -> bool:
    """Whether somebody has this user name, or signs in by it as an address."""
    if User.objects.filter(username__iexact=username).exists():
        return True
    is_own = username.casefold() == own_email.casefold()
    return "@" in username and not is_own and User.objects.filter(email__iexact=username).exists()


def names_of(usernames: Iterable[str]) -> dict[str, str]:
    """What others call the people with these user names, as logs keep them; one query."""
    return {person.username: person.name for person in User.objects.filter(username__in=set(usernames))}


@transaction.atomic
def amend_profile(*, person_id: int, first_name: str, last_name: str, email: str, password: str) -> User:
    """Change what a person says of themselves; another address needs the present password.

    Raises:
        InvalidInputError: the address is not one, belongs to another account, or the password is wrong.
    """
    person = User.objects.select_for_update().get(pk=person_id)
    if email.casefold() != person.email.casefold():
        _check_identity(person.username, email)
        if not person.check_password(password):
            raise InvalidInputError("Enter your present password to change the address.", field="password")
        others = User.objects.exclude(pk=person.pk)
        if email and others.filter(Q(email__iexact=email) | Q(username__iexact=email)).exists():
            raise InvalidInputError("Another account has this address.", field="email")
    person.first_name, person.last_name, person.email = first_name, last_name, email
    person.save(update_fields=["first_name", "last_name", "email"])
    ledger.record(
        actor=person.username, action="profile_amended", object_type="user", object_id=person.pk, data={}
    )
    return person


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
