from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.utils import timezone

from apps.audit import outbox
from apps.audit.models import Outbox
from apps.notices import mailing, services
from apps.notices.models import MutedMail, Notice
from tests.people import make_person

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

REFUSING = "tests.notices.test_mailing.Refusing"


class Refusing(EmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise smtplib.SMTPServerDisconnected("please run connect() first")


@pytest.fixture
def notice() -> Notice:
    ann = make_person("ann", "reviewer")
    with transaction.atomic():
        services.tell(
            people=[ann],
            kind="insights.waiting",
            title="“Alarm <later>” waits\nfor you",
            text="Two judgements are needed.",
            url="/insights/4",
            key="insights.waiting:4",
        )
    return Notice.objects.get()


def test_a_notice_is_mailed_once(notice: Notice) -> None:
    outbox.drain()
    mailing.send(key=str(notice.pk), payload={})
    assert len(mail.outbox) == 1
    sent: Any = mail.outbox[0]
    assert (sent.to, sent.from_email) == (["ann@example.org"], "aftercast@localhost")
    assert sent.subject == "[Aftercast] “Alarm <later>” waits for you"
    for text in ("Two judgements are needed.", "http://127.0.0.1:8000/insights/4", "/me/mail"):
        assert text in sent.body
    html = sent.alternatives[0][0]
    assert "“Alarm &lt;later&gt;”" in html
    assert 'href="http://127.0.0.1:8000/insights/4"' in html
    assert sent.extra_headers["Message-ID"] == f"<notice-{notice.pk}@127.0.0.1>"
    notice.refresh_from_db()
    assert notice.mailed_at is not None


def test_a_server_that_refuses_is_asked_again(notice: Notice, settings: Any) -> None:
    settings.EMAIL_BACKEND = REFUSING
    outbox.drain()
    row = Outbox.objects.get()
    assert (row.state, row.failures) == ("pending", 1)
    assert "SMTPServerDisconnected" in row.last_error
    notice.refresh_from_db()
    assert notice.mailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Outbox.objects.update(not_before=timezone.now() - timedelta(seconds=1))
    outbox.drain()
    assert len(mail.outbox) == 1
    assert Outbox.objects.get().state == "done"


def test_a_mail_that_was_parked_is_tried_again_for_three_days(notice: Notice) -> None:
    Outbox.objects.update(state="dead", failures=10)
    assert mailing.try_parked_again() == 1
    outbox.drain()
    assert len(mail.outbox) == 1
    Outbox.objects.update(state="dead", created_at=timezone.now() - timedelta(days=4))
    assert mailing.try_parked_again() == 0


def test_a_muted_kind_is_not_mailed(notice: Notice) -> None:
    MutedMail.objects.create(person=notice.person, kind="insights.waiting")
    outbox.drain()
    assert mail.outbox == []
    assert Outbox.objects.get().state == "done"


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}, {"is_service": True}])
def test_who_cannot_or_should_not_get_mail_gets_none(notice: Notice, change: dict[str, Any]) -> None:
    type(notice.person).objects.update(**change)
    outbox.drain()
    assert mail.outbox == []


def test_a_notice_that_is_gone_is_no_error() -> None:
    mailing.send(key="999", payload={})
    assert mail.outbox == []
