from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.authentication import authenticate_bearer
from apps.accounts.models import ApiToken, Team
from apps.accounts.people import create_person
from apps.audit.models import AuditRecord
from tests.accounts.asking import PASSWORD, browser_of, check_refused, person_with_password, queries_of, words
from tests.people import make_person, make_token

pytestmark = [pytest.mark.page, pytest.mark.django_db]

PROFILE = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.org", "password": ""}
TOKEN: dict[str, Any] = {"name": "notebook", "scopes": ["features:read"], "days": "30"}


def test_my_page_says_who_i_am_and_what_i_may_do() -> None:
    team = Team.objects.create(slug="payments", name="Payments")
    ann = create_person(username="ann", email="ann@example.org", roles=["reviewer"], team=team)
    page = words(browser_of(ann).get("/me"))
    for text in ("ann@example.org", "Reviewer", "scores and approves insights of others", "Payments"):
        assert text in page


def test_i_change_my_name_and_with_my_password_my_address() -> None:
    ann = person_with_password()
    client = browser_of(ann)
    assert client.post("/me", PROFILE).headers["Location"] == "/me"
    assert "Ann Lee" in words(client.get("/me"))
    changed = {**PROFILE, "email": "lee@example.org", "password": PASSWORD}
    assert client.post("/me", changed).status_code == 302
    ann.refresh_from_db()
    assert (ann.name, ann.email) == ("Ann Lee", "lee@example.org")
    assert AuditRecord.objects.filter(action="profile_amended").count() == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"email": "x"}, "Enter a valid email address."),
        ({"email": "new@example.org"}, "Enter your present password to change the address."),
        ({"email": "new@example.org", "password": "wrong"}, "Enter your present password"),
        ({"email": "BOB@example.org", "password": PASSWORD}, "Another account has this address."),
        ({"first_name": "x" * 151}, "at most 150 characters"),
        ({"last_name": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_a_faulty_account_is_refused_at_the_field(change: dict[str, str], says: str) -> None:
    make_person("bob")
    ann = person_with_password()
    typed = {**PROFILE, "last_name": "Typed", **change}
    check_refused(browser_of(ann), "/me", typed, says, keeps=typed["last_name"])
    ann.refresh_from_db()
    assert (ann.first_name, ann.email) == ("", "ann@example.org")


def test_a_token_is_shown_once_and_works() -> None:
    client = browser_of(make_person("ann"))
    assert client.post("/me/tokens", TOKEN).headers["Location"] == "/me/tokens"
    first = words(client.get("/me/tokens"))
    found = re.search(r"aft_[\w-]{40,}", first)
    assert found is not None
    token = authenticate_bearer(f"Bearer {found[0]}")
    assert token is not None
    assert (token.user.username, token.scopes) == ("ann", ["features:read"])
    assert token.expires_at - token.created_at == pytest.approx(timedelta(days=30), abs=timedelta(minutes=1))
    again = words(client.get("/me/tokens"))
    assert found[0] not in again
    assert "notebook" in again
    assert found[0] not in str(dict(client.session.items()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"name": "a\x00"}, "Null characters are not allowed."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "everything is not one of the available choices"),
        ({"days": "0"}, "greater than or equal to 1"),
        ({"days": "3661"}, "less than or equal to 3660"),
        ({"days": "soon"}, "Enter a whole number."),
    ],
)
def test_a_faulty_token_is_refused_at_the_field(change: dict[str, Any], says: str) -> None:
    typed = {**TOKEN, **change}
    check_refused(browser_of(make_person("ann")), "/me/tokens", typed, says, keeps=typed["name"])
    assert ApiToken.objects.count() == 0


def test_i_revoke_mine_and_nobody_elses() -> None:
    ann, bob = make_person("ann"), make_person("bob")
    plain, theirs = make_token(ann), make_token(bob)
    client = browser_of(ann)
    assert client.post(f"/me/tokens/{ApiToken.objects.get(user=ann).pk}/revoke").status_code == 302
    assert authenticate_bearer(f"Bearer {plain}") is None
    assert client.post(f"/me/tokens/{ApiToken.objects.get(user=bob).pk}/revoke").status_code == 404
    assert authenticate_bearer(f"Bearer {theirs}") is not None
    assert "Revoked" in words(client.get("/me/tokens"))


def test_the_list_of_tokens_costs_the_same_whatever_its_length() -> None:
    ann = make_person("ann")
    client = browser_of(ann)
    make_token(ann)
    make_token(ann)
    few = queries_of(client, "/me/tokens")
    for _ in range(10):
        make_token(ann)
    assert queries_of(client, "/me/tokens") == few


def test_a_long_list_goes_on() -> None:
    ann = make_person("ann")
    for _ in range(3):
        make_token(ann)
    client = browser_of(ann)
    page = words(client.get("/me/tokens?limit=2"))
    found = re.search(r'href="(\?[^"]+)" rel="next"', page)
    assert found is not None
    assert words(client.get("/me/tokens" + found[1])).count("<tr>") == 2  # the head and the last one
    assert client.get("/me/tokens?cursor=nonsense").status_code == 404
