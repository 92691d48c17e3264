"""Mail as this installation sends it: text and simple HTML from one pair of templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBJECT_PREFIX = "[Aftercast] "
NO_SERVER = "django.core.mail.backends.filebased.EmailBackend"


def server_is_set() -> bool:
    """Whether mail leaves this machine; otherwise it is kept as files in the data folder."""
    return bool(settings.EMAIL_BACKEND != NO_SERVER)


def absolute(path: str) -> str:
    """The public address of a path of ours."""
    return f"{settings.PUBLIC_URL}{path}"


def send(*, to: str, subject: str, template: str, context: Mapping[str, Any], message_id: str) -> None:
    """Send `emails/<template>.txt` and `.html` to one address, now; called by a worker, never by a page.

    `message_id` is the same for the same mail, so that one sent twice shows once in most mailboxes.

    Raises:
        OSError: the mail server refused or is away (smtplib's errors are among them); the outbox tries again.
    """
    values = {**context, "installation": settings.PUBLIC_URL}
    mail = EmailMultiAlternatives(
        subject=SUBJECT_PREFIX + " ".join(subject.split()),
        body=render_to_string(f"emails/{template}.txt", values),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[to],
        headers={
            "Message-ID": f"<{message_id}@{urlsplit(settings.PUBLIC_URL).hostname}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string(f"emails/{template}.html", values), "text/html")
    mail.send()
