from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from apps.accounts import inviting
from apps.accounts.models import Invitation, Team, User
from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from apps.common.errors import DomainError
from tests.accounts.asking import PASSWORD, admin, check_refused, is_in, sign_in, words
from tests.audit.conftest import in_threads
from tests.people import make_person

pytestmark = [pytest.mark.page, pytest.mark.django_db]

WISH = {"email": "new@example.org", "roles": ["responder", "reviewer"], "team": "payments"}
FORM = {"username": "newcomer", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture(autouse=True)
def payments() -> Team:
    return Team.objects.create(slug="payments", name="Payments")


def shown_link(page: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:8000(/invitation/[\w-]+)", page)
    assert found is not None
    return found[1]


def invited(root: Client) -> str:
    assert root.post("/admin/people/invite", WISH).headers["Location"] == "/admin/people"
    return shown_link(words(root.get("/admin/people")))


def test_an_invited_person_makes_the_account_that_was_meant() -> None:
    path = invited(admin())
    client = Client()
    page = client.get(path)
    assert "new@example.org" in words(page)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.post(path, FORM).headers["Location"] == "/"
    assert is_in(client)
    person = User.objects.get(username="newcomer")
    assert person.roles() == {"responder", "reviewer"}
    assert (person.email, person.memberships.get().team.slug) == ("new@example.org", "payments")
    assert sign_in(Client(), "new@example.org").status_code == 302
    assert "This invitation was used." in words(Client().get(path))
    assert Client().post(path, {**FORM, "username": "second"}).status_code == 410
    actions = list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-3:] == ["person_invited", "person_created", "invitation_accepted"]


def test_the_link_is_mailed_shown_once_and_stored_nowhere() -> None:
    root = admin()
    path = invited(root)
    assert "/invitation/" not in words(root.get("/admin/people"))
    outbox.drain()
    assert [message.to for message in mail.outbox] == [["new@example.org"]]
    assert shown_link(str(mail.outbox[0].body)) == path
    secret = path.removeprefix("/invitation/")
    assert secret not in str(list(Invitation.objects.values()))
    assert secret not in str(list(Outbox.objects.values()))
    assert secret not in str(list(AuditRecord.objects.values()))


def test_sending_again_makes_a_new_link_and_ends_the_old_one() -> None:
    root = admin()
    old = invited(root)
    row = Invitation.objects.get()
    root.post(f"/admin/invitations/{row.pk}/send")
    new = shown_link(words(root.get("/admin/people")))
    assert (Client().get(old).status_code, Client().get(new).status_code) == (410, 200)
    outbox.drain()
    assert [shown_link(str(message.body)) for message in mail.outbox] == [new]


def test_a_withdrawn_invitation_opens_nothing_and_can_be_made_anew() -> None:
    root = admin()
    path = invited(root)
    row = Invitation.objects.get()
    for _ in range(2):
        assert root.post(f"/admin/invitations/{row.pk}/withdraw").status_code == 302
    assert "This invitation was withdrawn." in words(Client().post(path, FORM))
    assert User.objects.filter(username="newcomer").exists() is False
    assert Client().get(invited(root)).status_code == 200


def test_an_invitation_ends_after_seven_days_and_lives_again_when_sent_again() -> None:
    root = admin()
    path = invited(root)
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        answer = Client().post(path, FORM)
        assert answer.status_code == 410
        assert "older than seven days" in words(answer)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "Link too old" in words(root.get("/admin/people"))
    root.post(f"/admin/invitations/{Invitation.objects.get().pk}/send")
    assert Client().get(shown_link(words(root.get("/admin/people")))).status_code == 200


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"email": ""}, "This field is required."),
        ({"email": "x"}, "Enter a valid email address."),
        ({"email": "a\x00@b.example"}, "Null characters are not allowed."),
        ({"email": "a" * 250 + "@b.example"}, "at most 254 characters"),
        ({"email": "ROOT@example.org"}, "There is an account with this address."),
        ({"roles": ["king"]}, "king is not one of the available choices"),
        ({"team": "unknown"}, "not one of the available choices"),
        ({"team": "pay\x00ments"}, "Null characters are not allowed."),
    ],
)
def test_a_faulty_invitation_is_refused_at_the_field(change: dict[str, Any], says: str) -> None:
    wish = {**WISH, **change}
    check_refused(admin(), "/admin/people/invite", wish, says, keeps=str(wish["email"]))
    assert Invitation.objects.count() == 0


def test_an_address_is_invited_once() -> None:
    root = admin()
    invited(root)
    check_refused(
        root, "/admin/people/invite", {**WISH, "email": "NEW@example.org"}, "This address is invited already."
    )
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"username": ""}, "This field is required."),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "x" * 151}, "at most 150 characters"),
        ({"username": "a\x00"}, "Null characters are not allowed."),
        ({"username": "ROOT"}, "The name ROOT is taken."),
        ({"username": "root@example.org"}, "is taken."),
        ({"password": "short", "again": "short"}, "too short"),
        ({"again": "something else"}, "The two passwords are not the same."),
        (
            {"username": "newcomer-of-ours", "password": "newcomer-of-ours", "again": "newcomer-of-ours"},
            "too similar",
        ),
    ],
)
def test_a_faulty_account_is_refused_and_the_link_stays_open(change: dict[str, str], says: str) -> None:
    path = invited(admin())
    form = {**FORM, **change}
    check_refused(Client(), path, form, says, keeps=form["username"])
    assert User.objects.count() == 1
    assert Client().post(path, FORM).status_code == 302


def test_odd_links_are_closed_and_break_nothing() -> None:
    for token in ("x", "%00", "%FF", "é" * 2000):
        assert Client().get(f"/invitation/{token}").status_code in {404, 410}


def test_changing_what_is_over_is_refused() -> None:
    root = admin()
    Client().post(invited(root), FORM)
    row = Invitation.objects.get()
    for verb in ("send", "withdraw"):
        there = {"Referer": "http://testserver/admin/people"}
        answer = root.post(f"/admin/invitations/{row.pk}/{verb}", follow=True, headers=there)
        assert "This invitation was used." in words(answer)
        assert root.post(f"/admin/invitations/999/{verb}").status_code == 404


def test_the_database_keeps_one_open_invitation_and_known_roles() -> None:
    root = make_person("root", "admin")
    with pytest.raises(DomainError):
        inviting.invite(email="a@example.org", roles=["king"], team=None, actor=root)
    later = timezone.now() + timedelta(days=1)
    with pytest.raises(IntegrityError, match="accounts_invitation_known_roles"):
        Invitation.objects.create(
            email="a@b.example", roles=["king"], digest="x", invited_by=root, expires_at=later
        )


@pytest.mark.django_db(transaction=True)
def test_two_uses_at_once_make_one_account() -> None:
    path = invited(admin())
    statuses = in_threads(
        2, lambda number: Client().post(path, {**FORM, "username": f"n{number}"}).status_code
    )
    assert sorted(statuses) == [302, 410]
    assert User.objects.count() == 2
