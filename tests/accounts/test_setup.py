from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts import invitations
from apps.accounts.authentication import token_digest
from apps.accounts.models import FirstAdminLink, User
from apps.audit.models import AuditRecord
from tests.audit.conftest import in_threads
from tests.people import make_person

pytestmark = [pytest.mark.api, pytest.mark.django_db]

FORM = {"username": "root", "email": "root@example.org", "password": "correct horse battery"}


def new_path() -> str:
    link = invitations.first_admin_link("http://here:8000/")
    assert link is not None
    assert link.startswith("http://here:8000/setup/")
    return link.removeprefix("http://here:8000")


def test_the_link_makes_an_administrator_once() -> None:
    path = new_path()
    page = Client().get(path)
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert Client().post(path, FORM).status_code == 201
    user = User.objects.get()
    assert (user.username, set(user.roles()), user.check_password(FORM["password"])) == (
        "root",
        {"admin"},
        True,
    )
    again = Client().post(path, {**FORM, "username": "second"})
    assert again.status_code == 410
    assert "This link was used, or never existed." in again.content.decode()
    assert Client().get(path).status_code == 410
    assert User.objects.count() == 1
    assert AuditRecord.objects.filter(action="first_admin_made").count() == 1


def test_only_the_hash_of_the_link_is_kept() -> None:
    secret = new_path().removeprefix("/setup/")
    assert FirstAdminLink.objects.get().digest != secret
    assert len(secret) == 43


def test_a_new_link_ends_the_one_before() -> None:
    old, new = new_path(), new_path()
    assert (Client().get(old).status_code, Client().get(new).status_code) == (410, 200)


def test_a_link_ends_after_a_day() -> None:
    path = new_path()
    FirstAdminLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = Client().post(path, FORM)
    assert answer.status_code == 410
    assert "older than 24 hours" in answer.content.decode()
    assert User.objects.count() == 0


def test_there_is_no_link_once_there_is_an_administrator() -> None:
    path = new_path()
    make_person("root", "admin")
    assert invitations.first_admin_link("http://here") is None
    assert Client().get(path).status_code == 410


def test_other_people_do_not_make_the_link_needless() -> None:
    make_person("ann", "operator")
    assert Client().get(new_path()).status_code == 200


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "ANN"}, "The name ANN is taken."),
        ({"email": "x"}, "Enter a valid email address"),
        ({"password": "short"}, "too short"),
        ({"password": "password12345678", "username": "password12345678"}, "too similar"),
        ({"username": "<script>alert(1)</script>"}, "&lt;script&gt;"),
    ],
)
def test_a_faulty_form_says_what_is_wrong_and_leaves_the_link_open(change: dict[str, str], text: str) -> None:
    make_person("ann")
    path = new_path()
    answer = Client().post(path, {**FORM, **change})
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert "<script>" not in answer.content.decode()
    assert User.objects.count() == 1
    assert Client().post(path, FORM).status_code == 201


def test_the_page_wants_its_csrf_token() -> None:
    path = new_path()
    client = Client(enforce_csrf_checks=True)
    assert client.post(path, FORM).status_code == 403
    assert User.objects.count() == 0
    token = client.get(path).context["csrf_token"]
    assert client.post(path, {**FORM, "csrfmiddlewaretoken": str(token)}).status_code == 201


def test_odd_links_are_closed_and_break_nothing() -> None:
    for token in ("x", "%00", "%FF", "é" * 2000):
        assert Client().get(f"/setup/{token}").status_code in {404, 410}
    assert Client().delete("/setup/x").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_two_uses_at_once_make_one_administrator() -> None:
    path = new_path()
    statuses = in_threads(
        2, lambda number: Client().post(path, {**FORM, "username": f"root{number}"}).status_code
    )
    assert sorted(statuses) == [201, 410]
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_links_used_at_once_make_one_administrator() -> None:
    plains = ["one", "two"]
    for plain in plains:
        FirstAdminLink.objects.create(
            digest=token_digest(plain), expires_at=timezone.now() + timedelta(hours=1)
        )
    statuses = in_threads(
        2,
        lambda number: (
            Client().post(f"/setup/{plains[number]}", {**FORM, "username": f"r{number}"}).status_code
        ),
    )
    assert sorted(statuses) == [201, 410]
    assert User.objects.count() == 1
