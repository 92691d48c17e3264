from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from tests.accounts.asking import (
    ANOTHER,
    PASSWORD,
    browser_of,
    check_refused,
    is_in,
    person_with_password,
    sign_in,
    words,
)

pytestmark = [pytest.mark.page, pytest.mark.django_db]

NEW = {"new_password1": ANOTHER, "new_password2": ANOTHER}


def ask(email: str) -> str:
    """Ask for a link; the path that was mailed, or nothing."""
    answer = Client().post("/password-reset", {"email": email})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/password-reset/sent")
    outbox.drain()
    if not mail.outbox:
        return ""
    found = re.search(r"http://127\.0\.0\.1:8000(/password-reset/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def follow(client: Client, path: str) -> str:
    """Django moves the secret of the link into the session, and shows the form elsewhere."""
    answer = client.get(path)
    return answer.headers["Location"] if answer.status_code == 302 else path


def test_a_link_by_mail_sets_another_password_once() -> None:
    ann = person_with_password()
    elsewhere = browser_of(ann)
    path = ask("ANN@example.org")
    assert mail.outbox[0].to == ["ann@example.org"]
    assert mail.outbox[0].subject.startswith("[Aftercast] ")
    client = Client()
    form = follow(client, path)
    assert client.get(form).headers["Referrer-Policy"] == "no-referrer"
    assert client.post(form, NEW).headers["Location"] == "/sign-in"
    assert not is_in(elsewhere)
    assert sign_in(Client(), "ann").status_code == 422
    assert sign_in(Client(), "ann", ANOTHER).status_code == 302
    assert "This link was used or is too old" in words(Client().get(path))
    assert AuditRecord.objects.filter(action="password_reset", actor="ann").count() == 1


def test_the_answer_is_the_same_for_an_unknown_address() -> None:
    person_with_password()
    bot = person_with_password("bot", is_service=True)
    assert ask("nobody@example.org") == ""
    assert ask(bot.email) == ""
    assert Outbox.objects.count() == 0


def test_a_link_ends_after_four_hours_and_says_so() -> None:
    person_with_password()
    path = ask("ann@example.org")
    with time_machine.travel(timezone.now() + timedelta(hours=4, minutes=1)):
        assert "This link was used or is too old" in words(Client().get(path))


def test_asking_often_sends_one_mail() -> None:
    person_with_password()
    with time_machine.travel(timezone.now().replace(minute=0, second=1), tick=False):
        for _ in range(4):
            Client().post("/password-reset", {"email": "ann@example.org"})
    assert Outbox.objects.count() == 1


def test_a_closed_account_gets_no_password_by_an_old_link() -> None:
    ann = person_with_password()
    path = ask("ann@example.org")
    ann.is_active = False
    ann.save()
    assert "This link was used or is too old" in words(Client().get(path))


def test_no_secret_waits_in_the_outbox() -> None:
    ann = person_with_password()
    Client().post("/password-reset", {"email": "ann@example.org"})
    assert Outbox.objects.get().payload == {"person": ann.pk}


def test_a_new_password_ends_the_lock() -> None:
    person_with_password()
    for _ in range(5):
        sign_in(Client(), "ann", "wrong")
    client = Client()
    client.post(follow(client, ask("ann@example.org")), NEW)
    assert sign_in(Client(), "ann", ANOTHER).status_code == 302


@pytest.mark.parametrize(
    ("email", "says"),
    [
        ("", "This field is required."),
        ("x", "Enter a valid email address."),
        ("a\x00@b.example", "Null characters are not allowed."),
        ("a" * 250 + "@b.example", "at most 254 characters"),
    ],
)
def test_a_faulty_address_is_said(email: str, says: str) -> None:
    check_refused(Client(), "/password-reset", {"email": email}, says, keeps=email)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ("short", "short", "too short"),
        (ANOTHER, "something else entirely", "two password fields"),
        ("", "", "This field is required."),
        ("nul\x00 and many words", "nul\x00 and many words", "Null characters are not allowed."),
    ],
)
def test_a_faulty_new_password_is_said(first: str, second: str, says: str) -> None:
    ann = person_with_password()
    client = Client()
    form = follow(client, ask("ann@example.org"))
    check_refused(client, form, {"new_password1": first, "new_password2": second}, says)
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_odd_links_open_nothing() -> None:
    for path in ("/password-reset/x/y", "/password-reset/MQ/set-password", "/password-reset/%00/%00"):
        assert Client().get(path).status_code in {200, 404}


def test_changing_my_password_ends_my_other_sessions() -> None:
    ann = person_with_password()
    here, elsewhere = browser_of(ann), browser_of(ann)
    assert here.post("/me/password", {"old_password": PASSWORD, **NEW}).headers["Location"] == "/me"
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    assert AuditRecord.objects.filter(action="password_changed", actor="ann").count() == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"old_password": "wrong"}, "Your old password was entered incorrectly."),
        ({"old_password": "x\x00"}, "Null characters are not allowed."),
        ({"new_password1": "ann@example.org", "new_password2": "ann@example.org"}, "too similar"),
        ({"new_password2": "another one of these"}, "two password fields"),
        ({"new_password1": ""}, "This field is required."),
    ],
)
def test_a_faulty_change_is_refused(change: dict[str, str], says: str) -> None:
    ann = person_with_password()
    check_refused(browser_of(ann), "/me/password", {"old_password": PASSWORD, **NEW, **change}, says)
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)
