"""Invitations: by a link that works once, somebody makes an account with the roles meant for them."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.audit import ledger, outbox
from apps.common.errors import DomainError, InvalidInputError, NotFoundError

from . import mail
from .authentication import token_digest
from .models import Invitation, Role, Team, User
from .passwords import check_password
from .people import create_person

if TYPE_CHECKING:
    from collections.abc import Iterable

LIFE = timedelta(days=7)
MAIL = "accounts.invitation_mail"


class InvitationError(DomainError):
    """The link opens nothing; the text says why."""

    code: ClassVar[str] = "link_not_valid"
    status: ClassVar[int] = 410


class AlreadyInvitedError(DomainError):
    """The address has an account or an open invitation."""

    code: ClassVar[str] = "already_invited"


@transaction.atomic
def invite(*, email: str, roles: Iterable[str], team: Team | None, actor: User) -> tuple[Invitation, str]:
    """Invite an address; its link works once and for seven days, and follows by mail.

    Returns the invitation and the nonce of its link: `link(nonce)` shows it, and only for as long as somebody
    keeps the nonce. No link is stored, neither here nor with the mail that waits to be sent.

    Raises:
        InvalidInputError: the address or a role is not one.
        AlreadyInvitedError: the address has an account or an open invitation.
    """
    wanted = _checked(email, roles)
    if User.objects.filter(email__iexact=email, is_active=True).exists():
        raise AlreadyInvitedError("There is an account with this address.", field="email")
    nonce = secrets.token_urlsafe(24)
    try:
        with transaction.atomic():
            invitation = Invitation.objects.create(
                email=email,
                roles=wanted,
                team=team,
                digest=token_digest(_derive(nonce)),
                invited_by=actor,
                expires_at=timezone.now() + LIFE,
            )
    except IntegrityError as exc:
        raise AlreadyInvitedError(
            "This address is invited already.",
            field="email",
            remedy="Send that invitation again, or withdraw it first.",
        ) from exc
    _send(invitation, nonce)
    _record("person_invited", invitation, actor.username, {"roles": wanted})
    return invitation, nonce


@transaction.atomic
def send_again(*, invitation_id: int, actor: User) -> tuple[Invitation, str]:
    """A new link, for seven days from now; the one before ends. Returns as `invite` does.

    Raises:
        NotFoundError: no such invitation.
        InvitationError: it was used or withdrawn.
    """
    invitation = _locked(invitation_id)
    _check_open(invitation)
    nonce = secrets.token_urlsafe(24)
    invitation.digest = token_digest(_derive(nonce))
    invitation.sent_at = timezone.now()
    invitation.expires_at = invitation.sent_at + LIFE
    invitation.save(update_fields=["digest", "sent_at", "expires_at"])
    _send(invitation, nonce)
    _record("invitation_sent_again", invitation, actor.username, {})
    return invitation, nonce


@transaction.atomic
def withdraw(*, invitation_id: int, actor: User) -> Invitation:
    """End the link at once; twice is once.

    Raises:
        NotFoundError: no such invitation.
        InvitationError: it was used: close the account instead.
    """
    invitation = _locked(invitation_id)
    if invitation.withdrawn_at is not None:
        return invitation
    _check_open(invitation)
    invitation.withdrawn_at = timezone.now()
    invitation.save(update_fields=["withdrawn_at"])
    _record("invitation_withdrawn", invitation, actor.username, {})
    return invitation


def find(plain: str) -> Invitation:
    """The open invitation of a link.

    Raises:
        InvitationError: the link opens nothing.
    """
    invitation = Invitation.objects.select_related("team").filter(digest=token_digest(plain)).first()
    if invitation is None:
        raise InvitationError(
            "This link was replaced by a newer one, or never existed.",
            remedy="Look for a newer mail, or ask for another invitation.",
        )
    _check_open(invitation)
    if invitation.expires_at <= timezone.now():
        raise InvitationError("This link is older than seven days.", remedy="Ask for another invitation.")
    return invitation


@transaction.atomic
def accept(*, plain: str, username: str, password: str) -> User:
    """Make the account that the invitation is for. Of two uses at once one wins.

    Raises:
        InvitationError: see `find`.
        InvalidInputError: the name or the password will not do.
        NameTakenError: somebody has this name.
    """
    Invitation.objects.select_for_update().filter(digest=token_digest(plain)).first()
    invitation = find(plain)
    check_password(password, User(username=username, email=invitation.email))
    person = create_person(
        username=username,
        email=invitation.email,
        roles=invitation.roles,
        team=invitation.team,
        password=password,
        actor=username,
    )
    invitation.used_at, invitation.person = timezone.now(), person
    invitation.save(update_fields=["used_at", "person"])
    _record("invitation_accepted", invitation, username, {"username": username})
    return person


def link(nonce: str) -> str:
    """The public address of the invitation whose nonce this is."""
    return mail.absolute(reverse("accounts:invitation", args=[_derive(nonce)]))


def send_mail(*, key: str, payload: dict[str, Any]) -> None:
    """Handler of the outbox: mail the link, if it is the newest of an open invitation. At least once."""
    digest = token_digest(_derive(str(payload["nonce"])))
    found = Invitation.objects.select_related("invited_by", "team").filter(
        digest=digest, used_at=None, withdrawn_at=None, expires_at__gt=timezone.now()
    )
    invitation = found.first()
    if invitation is None:
        return
    mail.send(
        to=invitation.email,
        subject=f"{invitation.invited_by.name} invites you",
        template="invitation",
        context={"invitation": invitation, "link": link(str(payload["nonce"])), "days": LIFE.days},
        message_id=f"invitation-{key}",
    )


def _send(invitation: Invitation, nonce: str) -> None:
    outbox.add(kind=MAIL, key=f"{invitation.pk}-{invitation.digest[:16]}", payload={"nonce": nonce})


def _derive(nonce: str) -> str:
    """The secret of a link, for whoever has this installation's secret key."""
    mac = salted_hmac("apps.accounts.inviting", nonce, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(mac).decode().rstrip("=")


def _checked(email: str, roles: Iterable[str]) -> list[str]:
    try:
        validate_email(email)
    except ValidationError as exc:
        raise InvalidInputError(" ".join(exc.messages), field="email") from exc
    wanted = sorted(set(roles))
    for role in wanted:
        if role not in Role.values:
            raise InvalidInputError(f"Unknown role: {role}.", field="roles")
    return wanted


def _check_open(invitation: Invitation) -> None:
    if invitation.used_at is not None:
        raise InvitationError("This invitation was used.", remedy="Sign in with the account that it made.")
    if invitation.withdrawn_at is not None:
        raise InvitationError("This invitation was withdrawn.", remedy="Ask an administrator.")


def _locked(invitation_id: int) -> Invitation:
    invitation = Invitation.objects.select_for_update().filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFoundError("There is no such invitation.")
    return invitation


def _record(action: str, invitation: Invitation, actor: str, data: dict[str, Any]) -> None:
    ledger.record(actor=actor, action=action, object_type="invitation", object_id=invitation.pk, data=data)
