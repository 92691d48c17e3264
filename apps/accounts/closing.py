"""Closing an account and opening it again."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit import ledger, outbox
from apps.common.errors import NotFoundError

from .models import ApiToken, User
from .roles import check_not_last_admin, lock_administration

DEACTIVATED = "accounts.deactivated"


@transaction.atomic
def deactivate(*, person_id: int, actor: str) -> User:
    """Close an account: its sessions and tokens end with this, for ever. Closing twice is closing once.

    The rooms named in PERSON_DEACTIVATED hear of it through the outbox.

    Raises:
        NotFoundError: no such person.
        LastAdminError: this is the last active administrator.
    """
    lock_administration()
    person = _locked(person_id)
    if not person.is_active:
        return person
    check_not_last_admin(person)
    User.objects.filter(pk=person.pk).update(is_active=False, session_epoch=F("session_epoch") + 1)
    person.refresh_from_db()
    ended = ApiToken.objects.filter(user=person, revoked_at=None).update(revoked_at=timezone.now())
    for name in settings.PERSON_DEACTIVATED:
        outbox.add(
            kind=DEACTIVATED,
            key=f"{person.pk}:{person.session_epoch}:{name}",
            payload={"person": person.pk, "call": name},
        )
    _record("person_deactivated", person, actor, {"tokens_ended": ended})
    return person


@transaction.atomic
def reactivate(*, person_id: int, actor: str) -> User:
    """Open a closed account again, with its roles; ended sessions and tokens stay ended.

    Raises:
        NotFoundError: no such person.
    """
    person = _locked(person_id)
    if not person.is_active:
        person.is_active = True
        person.save(update_fields=["is_active"])
        _record("person_reactivated", person, actor, {})
    return person


def hand_on(*, key: str, payload: dict[str, Any]) -> None:
    """Handler of the outbox: tell one room, by name, that a person left; nothing if they are back meanwhile.

    The room's function is called as `function(person_id=…)`, at least once, and must be idempotent.
    """
    name = str(payload["call"])
    if name not in settings.PERSON_DEACTIVATED:
        return
    if User.objects.filter(pk=payload["person"], is_active=False).exists():
        import_string(name)(person_id=payload["person"])


def _locked(person_id: int) -> User:
    person = User.objects.select_for_update().filter(pk=person_id).first()
    if person is None:
        raise NotFoundError("There is no such person.")
    return person


def _record(action: str, person: User, actor: str, data: dict[str, Any]) -> None:
    ledger.record(
        actor=actor,
        action=action,
        object_type="user",
        object_id=person.pk,
        data={"username": person.username, **data},
    )
