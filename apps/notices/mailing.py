"""Notices as mail, by a worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps.accounts import mail
from apps.audit import outbox
from apps.audit.models import Outbox

from . import kinds
from .models import MutedMail, Notice
from .services import MAIL

GIVE_UP_AFTER = timedelta(days=3)


def send(*, key: str, payload: dict[str, Any]) -> None:
    """Handler of the outbox: mail the notice whose id is `key`, unless it was mailed or is not wanted.

    At least once: a worker that dies between the server's yes and our mark sends it again, under the same
    Message-ID. A server that refuses raises, and the outbox tries again.
    """
    notice = Notice.objects.select_related("person").filter(pk=int(key)).first()
    if notice is None or notice.mailed_at is not None or not _wanted(notice):
        return
    mail.send(
        to=notice.person.email,
        subject=notice.title,
        template="notice",
        context={
            "notice": notice,
            "link": mail.absolute(notice.url) if notice.url else "",
            "kind": kinds.label(notice.kind),
            "preferences": mail.absolute(reverse("notices:preferences")),
        },
        message_id=f"notice-{notice.pk}",
    )
    Notice.objects.filter(pk=notice.pk, mailed_at=None).update(mailed_at=timezone.now())


def try_parked_again() -> int:
    """Give mails that the outbox has parked a new life, for three days: so long a server may be away."""
    since = timezone.now() - GIVE_UP_AFTER
    parked = Outbox.objects.filter(kind=MAIL, state="dead", created_at__gte=since)
    return sum(outbox.revive(row) for row in parked.values_list("pk", flat=True))


def _wanted(notice: Notice) -> bool:
    person = notice.person
    if not person.is_active or person.is_service or not person.email:
        return False
    return not MutedMail.objects.filter(person=person, kind=notice.kind).exists()
