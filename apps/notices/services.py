"""Telling people something, once, and ticking it off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from apps.audit import outbox
from apps.common.errors import InvalidInputError, NotFoundError

from .models import LOCAL_PATH, MAX_KEY, MAX_KIND, MAX_TITLE, MAX_URL, MutedMail, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User

MAIL = "notices.mail"


def tell(
    *, people: Iterable[User], kind: str, title: str, text: str = "", url: str = "", key: str
) -> list[int]:
    """Write one notice for each person, in the caller's transaction; a mail follows its commit.

    The same `key` is told to the same person once, for ever: put into it what makes the event one
    (`insights.waiting:12:3`). Closed accounts and service accounts are told nothing. A title that is too long
    is cut. Returns the ids of the notices, those told before included.

    Raises:
        TransactionManagementError: there is no transaction, so a notice could outlive a cause that failed.
        ValueError: kind, key or url are not usable; that is a mistake of the calling code.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("notices are written in the transaction of their cause")
    _check(kind=kind, key=key, url=url)
    receivers = {person.pk for person in people if person.is_active and not person.is_service}
    rows = [
        Notice(
            person_id=pk,
            kind=kind,
            title=_cut(_storable(title), MAX_TITLE),
            text=_storable(text),
            url=url,
            key=key,
        )
        for pk in sorted(receivers)
    ]
    Notice.objects.bulk_create(rows, ignore_conflicts=True)
    told = list(
        Notice.objects.filter(person__in=receivers, key=key).order_by("pk").values_list("pk", flat=True)
    )
    for pk in told:
        outbox.add(kind=MAIL, key=str(pk))
    return told


@transaction.atomic
def mark_read(*, notice_id: int, person: User) -> Notice:
    """Tick one of the person's own notices off; twice is once.

    Raises:
        NotFoundError: the person has no such notice.
    """
    Notice.objects.filter(pk=notice_id, person=person, read_at=None).update(read_at=timezone.now())
    notice = Notice.objects.filter(pk=notice_id, person=person).first()
    if notice is None:
        raise NotFoundError("You have no such notice.")
    return notice


@transaction.atomic
def mark_all_read(*, person: User) -> int:
    """Tick off all that the person has; returns how many were open."""
    return Notice.objects.filter(person=person, read_at=None).update(read_at=timezone.now())


@transaction.atomic
def choose_mail(*, person: User, wanted: Iterable[str], offered: Iterable[str]) -> None:
    """Send mail of the kinds in `wanted`, and of no other of those `offered`.

    Raises:
        InvalidInputError: a kind was chosen that is not on offer.
    """
    chosen, choices = set(wanted), set(offered)
    if unknown := chosen - choices:
        raise InvalidInputError(f"There is no kind {min(unknown)}.", field="kinds")
    MutedMail.objects.filter(person=person, kind__in=chosen).delete()
    MutedMail.objects.bulk_create(
        (MutedMail(person=person, kind=kind) for kind in sorted(choices - chosen)), ignore_conflicts=True
    )


def _check(*, kind: str, key: str, url: str) -> None:
    if not kind or len(kind) > MAX_KIND or not key or len(key) > MAX_KEY:
        raise ValueError("a notice needs a kind and a key that fit their columns")
    if len(url) > MAX_URL or not re.match(LOCAL_PATH, url) or "\n" in url:
        raise ValueError("a notice leads to a path of this installation")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _storable(text: str) -> str:
    return text.replace("\x00", "�")
