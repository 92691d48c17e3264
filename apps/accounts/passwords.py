"""Passwords: what will do, changing one's own, and a new one by mail."""

from __future__ import annotations

import time
from typing import Any

from axes.utils import reset as forget_failures
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import default_token_generator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.audit import ledger, outbox
from apps.common.errors import InvalidInputError

from . import mail
from .models import User

MAIL = "accounts.reset_mail"
ONE_MAIL_PER_S = 120  # of the same account, however often somebody asks


def check_password(password: str, person: User) -> None:
    """Whether a password will do for the person.

    Raises:
        InvalidInputError: too short, too common, too like the name, or not storable.
    """
    try:
        validate_password(password, person)
    except ValidationError as exc:
        raise InvalidInputError(" ".join(exc.messages), field="password") from exc


@transaction.atomic
def set_password(*, person_id: int, password: str, how: str) -> User:
    """Give a person another password; all sessions end, and failed tries are forgotten.

    `how` is "changed" or "reset", for the record. The caller has checked the password and who asks.
    """
    person = User.objects.select_for_update().get(pk=person_id)
    person.set_password(password)
    person.session_epoch = F("session_epoch") + 1
    person.save(update_fields=["password", "session_epoch"])
    person.refresh_from_db()
    for name in {person.username.casefold(), person.email.casefold()} - {""}:
        forget_failures(username=name)
    ledger.record(
        actor=person.username, action=f"password_{how}", object_type="user", object_id=person.pk, data={}
    )
    return person


@transaction.atomic
def ask_for_reset(*, email: str) -> None:
    """Mail a link to whoever has this address; nothing tells the caller whether anybody has."""
    bucket = int(time.time() // ONE_MAIL_PER_S)
    for person in User.objects.filter(email__iexact=email, is_active=True, is_service=False):
        outbox.add(kind=MAIL, key=f"{person.pk}-{bucket}", payload={"person": person.pk})


def send_mail(*, key: str, payload: dict[str, Any]) -> None:
    """Handler of the outbox: make the link and mail it. The link is stored nowhere. At least once."""
    person = User.objects.filter(pk=payload["person"], is_active=True, is_service=False).first()
    if person is None or not person.email:
        return
    uid = urlsafe_base64_encode(force_bytes(person.pk))
    path = reverse("accounts:password-reset-link", args=[uid, default_token_generator.make_token(person)])
    mail.send(
        to=person.email,
        subject="Choose a new password",
        template="password_reset",
        context={"person": person, "link": mail.absolute(path)},
        message_id=f"reset-{key}",
    )
