from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Team, User
from apps.audit.models import AuditRecord
from tests.people import Api, api_of, make_person

pytestmark = [pytest.mark.api, pytest.mark.django_db]

PEOPLE = "/api/v1/people"


@pytest.fixture
def root() -> Api:
    Team.objects.create(slug="payments", name="Payments")
    return api_of(make_person("root", "admin"))


def test_an_administrator_makes_and_lists_accounts(root: Api) -> None:
    wish = {"username": "bot", "roles": ["viewer"], "team": "payments", "is_service": True}
    made = root.send("POST", PEOPLE, wish, key="once")
    assert made.status_code == 201
    person = User.objects.get(username="bot")
    assert made.json() == {
        "id": person.pk,
        "username": "bot",
        "name": "bot",
        "email": "",
        "is_service": True,
        "is_active": True,
        "roles": ["viewer"],
        "teams": ["payments"],
    }
    assert root.send("POST", PEOPLE, wish, key="once").json() == made.json()
    listed = root.send("GET", PEOPLE).json()
    assert [row["username"] for row in listed["items"]] == ["bot", "root"]
    assert AuditRecord.objects.filter(action="person_created", actor="root").count() == 1


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"username": ""}, 422, "username"),
        ({"username": "a b"}, 422, "username"),
        ({"username": "a\x00"}, 422, "username"),
        ({"username": "ROOT"}, 409, "username"),
        ({"email": "x"}, 422, "email"),
        ({"roles": ["king"]}, 422, "roles.0"),
        ({"team": "none"}, 422, "team"),
        ({"password": "x"}, 422, "password"),
    ],
)
def test_a_faulty_account_is_refused_at_the_field(
    root: Api, change: dict[str, Any], status: int, field: str
) -> None:
    answer = root.send("POST", PEOPLE, {"username": "new", **change})
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert User.objects.count() == 1


def test_the_list_costs_the_same_whatever_its_length(root: Api) -> None:
    counts = []
    for number in range(12):
        make_person(f"p{number}", "viewer")
        if number in {1, 11}:
            with CaptureQueriesContext(connection) as seen:
                root.send("GET", PEOPLE)
            counts.append(len(seen))
    assert counts[0] == counts[1]


def test_everybody_with_the_scope_reads_teams(root: Api) -> None:
    reader = api_of(make_person("ann"), "catalog:read")
    assert reader.send("GET", "/api/v1/teams").json() == {
        "items": [{"slug": "payments", "name": "Payments"}],
        "next": None,
    }
