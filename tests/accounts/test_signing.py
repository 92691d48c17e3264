from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from apps.accounts.cast import CastMember
from tests.accounts.asking import PASSWORD, browser_of, is_in, person_with_password, sign_in, words
from tests.people import make_person

pytestmark = [pytest.mark.page, pytest.mark.django_db]

FIT = "This name and this password do not fit together."
TRIES = 5


@pytest.mark.parametrize("typed", ["ann", "ANN", " ann ", "ann@example.org", "Ann@Example.org"])
def test_a_person_signs_in_by_name_or_address(typed: str) -> None:
    person_with_password()
    client = Client()
    answer = sign_in(client, typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert is_in(client)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ann", "wrong"),
        ("nobody", PASSWORD),
        ("closed", PASSWORD),
        ("bot", PASSWORD),
        ("twin@example.org", PASSWORD),
    ],
)
def test_every_refusal_says_the_same(username: str, password: str) -> None:
    person_with_password()
    closed = person_with_password("closed")
    closed.is_active = False
    closed.save()
    person_with_password("bot", is_service=True)
    for name in ("twin1", "twin2"):
        twin = person_with_password(name)
        twin.email = "twin@example.org"
        twin.save()
    client = Client()
    answer = sign_in(client, username, password)
    assert answer.status_code == 422
    assert FIT in words(answer)
    assert f'value="{username}"' in words(answer)
    assert password not in words(answer)
    assert not is_in(client)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"username": "", "password": "x"}, "This field is required."),
        ({"username": "ann"}, "This field is required."),
        ({"username": "a\x00", "password": "x"}, "Null characters are not allowed."),
        ({"username": "ann", "password": "x\x00"}, "Null characters are not allowed."),
        ({"username": "a" * 255, "password": "x"}, "at most 254 characters"),
    ],
)
def test_what_cannot_be_a_name_is_said_at_its_field(data: dict[str, str], says: str) -> None:
    answer = Client().post("/sign-in", data)
    assert answer.status_code == 422
    assert says in words(answer)


@pytest.mark.parametrize(
    ("wanted", "there"),
    [
        ("/me/tokens?limit=2", "/me/tokens?limit=2"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/sign-in", "/"),
        ("/sign-in?next=/sign-in", "/"),
    ],
)
def test_next_leads_to_a_page_of_ours_only(wanted: str, there: str) -> None:
    person_with_password()
    assert sign_in(Client(), "ann", next=wanted).headers["Location"] == there


def test_who_is_in_is_sent_on() -> None:
    client = browser_of(make_person("ann"))
    assert client.get("/sign-in?next=/me").headers["Location"] == "/me"
    assert client.get("/sign-in?next=/sign-in").headers["Location"] == "/"


def test_a_session_gets_another_key_by_signing_in() -> None:
    person_with_password()
    client = Client()
    client.get("/sign-in")
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    sign_in(client, "ann")
    assert client.cookies["sessionid"].value != session.session_key
    stranger = Client()
    stranger.cookies["sessionid"] = str(session.session_key)
    assert not is_in(stranger)


def test_signing_out_is_a_post_and_ends_the_session() -> None:
    client = browser_of(make_person("ann"))
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").headers["Location"] == "/sign-in"
    assert not is_in(client)


def test_the_form_wants_its_csrf_token() -> None:
    person_with_password()
    assert sign_in(Client(enforce_csrf_checks=True), "ann").status_code == 403


@pytest.mark.parametrize("username", ["ann", "nobody-at-all"])
def test_who_guesses_waits_whether_the_name_exists_or_not(username: str) -> None:
    person_with_password()
    client = Client()
    statuses = [sign_in(client, username, "wrong").status_code for _ in range(TRIES)]
    assert statuses == [422] * (TRIES - 1) + [429]
    locked = sign_in(client, username.upper())
    assert locked.status_code == 429
    assert "For the next 15 minutes no password is tried" in words(locked)
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert f'value="{username.upper()}"' in words(locked)
    assert not is_in(client)


def test_the_wait_is_as_long_as_it_says_and_does_not_grow() -> None:
    person_with_password()
    client = Client()
    now = timezone.now()
    with time_machine.travel(now, tick=False) as clock:
        for _ in range(TRIES):
            sign_in(client, "ann", "wrong")
        clock.move_to(now + timedelta(minutes=10))
        assert "For the next 5 minutes" in words(sign_in(client, "ann"))
        clock.move_to(now + timedelta(minutes=15, seconds=1))
        assert sign_in(client, "ann").status_code == 302


def test_others_are_not_locked_out_by_a_guesser() -> None:
    person_with_password()
    person_with_password("bob")
    for _ in range(TRIES):
        sign_in(Client(), "ann", "wrong")
    assert sign_in(Client(), "bob").status_code == 302
    assert sign_in(Client(REMOTE_ADDR="192.0.2.7"), "ann").status_code == 302


def test_a_success_forgets_the_failures() -> None:
    person_with_password()
    client = Client()
    for _ in range(3):
        assert [sign_in(client, "ann", "wrong").status_code for _ in range(TRIES - 1)] == [422] * (TRIES - 1)
        assert sign_in(client, "ann").status_code == 302
        client.logout()


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    person_with_password()
    for number in range(TRIES):
        sign_in(Client(HTTP_X_FORWARDED_FOR=f"10.0.0.{number}, 192.0.2.1"), "ann", "wrong")
    assert sign_in(Client(HTTP_X_FORWARDED_FOR="10.9.9.9, 192.0.2.1"), "ann").status_code == 429
    assert sign_in(Client(HTTP_X_FORWARDED_FOR="192.0.2.1, 192.0.2.2"), "ann").status_code == 302


# --- a demo ---------------------------------------------------------------------------------------
def cast_of_two() -> list[CastMember]:
    return [
        CastMember("robin", "Robin", "responder", "Files what happened."),
        CastMember("gone", "Gone", "viewer", "Left."),
    ]


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO_CAST = "tests.accounts.test_signing.cast_of_two"
    make_person("robin", "responder")
    make_person("root", "admin")


@pytest.mark.usefixtures("demo")
def test_a_demo_offers_its_people() -> None:
    page = words(Client().get("/sign-in"))
    assert "Sign in as </span>Robin" in page
    assert "responder" in page
    assert "Files what happened." in page
    client = Client()
    assert client.post("/sign-in/as", {"username": "robin"}).headers["Location"] == "/"
    assert "robin" in words(client.get("/me"))


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("wanted", "lands_on"),
    [
        ("/incidents?state=open", "/incidents?state=open"),
        ("https://elsewhere.example/", "/"),
        ("//evil", "/"),
    ],
)
def test_one_click_comes_back_to_the_page_that_was_asked_for(wanted: str, lands_on: str) -> None:
    client = Client()
    offered = client.get("/sign-in", {"next": wanted}).content.decode()
    assert offered.count('name="next"') == 3  # of both people, and of the form with a password
    answer = client.post("/sign-in/as", {"username": "robin", "next": wanted})
    assert answer.headers["Location"] == lands_on


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("username", ["root", "gone", "", "nobody", "rob\x00in"])
def test_nobody_else_is_signed_in_by_a_click(username: str) -> None:
    client = Client()
    assert client.post("/sign-in/as", {"username": username}).status_code == 404
    assert not is_in(client)


def test_outside_a_demo_there_is_no_such_door() -> None:
    make_person("robin", "responder")
    client = Client()
    assert client.post("/sign-in/as", {"username": "robin"}).status_code == 404
    assert client.get("/sign-in/as").status_code == 405
    assert "Sign in as" not in words(client.get("/sign-in"))
