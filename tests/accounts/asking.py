"""Asking pages as a person would, for the tests of this room."""

from __future__ import annotations

from html import unescape
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.people import make_person

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User

PASSWORD = "correct horse battery"
ANOTHER = "staple of many words"


def words(answer: Any) -> str:
    """What a page says, entities resolved."""
    return unescape(answer.content.decode())


def browser_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def admin() -> Client:
    return browser_of(make_person("root", "admin"))


def person_with_password(username: str = "ann", *roles: str, **more: Any) -> User:
    person = make_person(username, *roles, **more)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client: Client, username: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", {"username": username, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get("/me").status_code == 200


def check_refused(client: Client, path: str, data: Mapping[str, Any], *says: str, keeps: str = "") -> str:
    """The form comes back with 422, says what is wrong, and keeps what was typed."""
    answer = client.post(path, data)
    assert answer.status_code == 422, answer.status_code
    page = words(answer)
    for text in says:
        assert text in page, text
    if keeps:
        assert keeps in page
    return page


def queries_of(client: Client, path: str) -> int:
    client.get(path)  # whatever is read once
    with CaptureQueriesContext(connection) as seen:
        assert client.get(path).status_code == 200
    return len(seen)
