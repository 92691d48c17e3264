from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from apps.accounts import people, tokens
from apps.accounts.authentication import authenticate_bearer
from apps.accounts.models import ApiToken, Membership, RoleGrant, Team, User
from apps.audit.models import AuditRecord, IdempotencyRecord
from apps.common.errors import DomainError
from tests.audit.conftest import in_threads
from tests.people import Api, api_of, make_person, make_token

pytestmark = [pytest.mark.api, pytest.mark.django_db]

TOKENS = "/api/v1/tokens"


def test_a_person_has_just_the_roles_that_were_granted() -> None:
    ann = make_person("ann", "operator", "reviewer", "operator")
    assert ann.roles() == {"operator", "reviewer"}
    assert (ann.has_role("admin"), ann.has_role("admin", "reviewer")) == (False, True)
    assert make_person("root", "admin").has_role("operator") is False
    assert ann.has_usable_password() is False


def test_a_person_joins_the_team() -> None:
    team = Team.objects.create(slug="payments", name="Payments")
    bot = people.create_person(username="bot", email="", roles=[], team=team, is_service=True)
    assert (bot.is_service, Membership.objects.get().user) == (True, bot)


def test_making_a_person_is_on_the_record() -> None:
    make_person("ann", "viewer")
    record = AuditRecord.objects.get()
    assert (record.actor, record.action) == ("system", "person_created")
    assert record.content() == {"username": "ann", "roles": ["viewer"], "is_service": False}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"username": ""}, "username", "invalid_input"),
        ({"username": "a b"}, "username", "invalid_input"),
        ({"username": "a\x00"}, "username", "invalid_input"),
        ({"username": "x" * 151}, "username", "invalid_input"),
        ({"email": "nobody"}, "email", "invalid_input"),
        ({"roles": ["king"]}, "roles", "invalid_input"),
        ({"username": "ANN"}, "username", "name_taken"),
    ],
)
def test_a_faulty_person_is_refused_at_the_field(change: dict[str, Any], field: str, code: str) -> None:
    make_person("ann")
    with pytest.raises(DomainError) as caught:
        people.create_person(**{"username": "bob", "email": "b@example.org", "roles": [], **change})
    assert (caught.value.field, caught.value.code) == (field, code)
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_at_once_one_gets_the_name() -> None:
    def make(number: int) -> str:
        try:
            return make_person("ann" if number % 2 else "Ann", "viewer").username
        except people.NameTakenError:
            return "taken"

    made = in_threads(8, make)
    assert made.count("taken") == 7
    assert (User.objects.count(), RoleGrant.objects.count()) == (1, 1)


def test_the_database_knows_no_unknown_role_and_no_token_without_scope() -> None:
    ann = make_person("ann")
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(user=ann, role="king")
    make_token(ann)
    changes: list[dict[str, Any]] = [
        {"scopes": []},
        {"min_confidence": 1.1},
        {"expires_at": "2000-01-01T00:00:00Z"},
    ]
    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.update(**change)


def test_only_the_hash_of_a_token_is_kept() -> None:
    plain = make_token(make_person("ann"), "features:read", "alerts:write")
    row = ApiToken.objects.get()
    assert plain.startswith("aft_")
    assert len(plain) == 47
    assert row.scopes == ["alerts:write", "features:read"]
    assert plain not in json.dumps(list(ApiToken.objects.values()), default=str)
    assert row.hint == plain[:8]
    assert "token_issued" in AuditRecord.objects.values_list("action", flat=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"name": " "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"expires_in": timedelta(0)}, "days"),
        ({"expires_in": timedelta(days=3661)}, "days"),
        ({"min_confidence": 1.5}, "min_confidence"),
        ({"min_confidence": float("nan")}, "min_confidence"),
    ],
)
def test_a_faulty_token_is_refused_at_the_field(change: dict[str, Any], field: str) -> None:
    good: dict[str, Any] = {"name": "n", "scopes": ["api"], "expires_in": timedelta(days=1)}
    with pytest.raises(DomainError) as caught:
        tokens.issue(user=make_person("ann"), **{**good, **change})
    assert caught.value.field == field
    assert ApiToken.objects.count() == 0


def test_me_says_who_the_caller_is_whatever_the_scope() -> None:
    api = api_of(make_person("ann", "operator"), "alerts:write")
    assert api.send("GET", "/api/v1/me").json() == {
        "username": "ann",
        "email": "ann@example.org",
        "is_service": False,
        "roles": ["operator"],
        "teams": [],
        "scopes": ["alerts:write"],
    }


def test_a_token_is_made_shown_once_used_and_revoked() -> None:
    api = api_of(make_person("ann"))
    made = api.send("POST", TOKENS, {"name": "n", "scopes": ["features:read"], "min_confidence": 0.7})
    assert made.status_code == 201
    plain = made.json()["token"]
    assert list(made.json()) == ["token"]
    listed = api.send("GET", TOKENS).json()["items"]
    assert [(row["name"], row["scopes"], row["min_confidence"]) for row in listed] == [
        ("n", ["features:read"], 0.7),
        ("test", ["api"], None),
    ]
    assert Api(plain).send("GET", "/api/v1/me").status_code == 200
    for _ in range(2):
        assert api.send("DELETE", f"{TOKENS}/{listed[0]['id']}").status_code == 204
    assert Api(plain).send("GET", "/api/v1/me").json()["code"] == "token_revoked"
    assert AuditRecord.objects.filter(action="token_revoked").count() == 1


def test_a_repeated_wish_gets_the_same_token_which_is_stored_nowhere() -> None:
    api = api_of(make_person("ann"))
    wish = {"name": "n", "scopes": ["features:read"]}
    first, second = (api.send("POST", TOKENS, wish, key="k") for _ in range(2))
    assert first.json() == second.json()
    assert authenticate_bearer(f"Bearer {first.json()['token']}") is not None
    assert first.json()["token"].encode() not in bytes(IdempotencyRecord.objects.get().body)
    assert ApiToken.objects.filter(name="n").count() == 1


def test_a_narrow_token_cannot_widen_itself() -> None:
    api = api_of(make_person("ann"), "features:read")
    answer = api.send("POST", TOKENS, {"name": "n", "scopes": ["api"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_the_tokens_of_others_are_not_there() -> None:
    make_token(make_person("bob"))
    theirs = ApiToken.objects.get()
    api = api_of(make_person("ann"))
    assert [row["id"] for row in api.send("GET", TOKENS).json()["items"]] != [theirs.pk]
    assert api.send("DELETE", f"{TOKENS}/{theirs.pk}").status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "n"}, "scopes"),
        ({"name": "n", "scopes": []}, "scopes"),
        ({"name": "n", "scopes": ["api", "all"]}, "scopes.1"),
        ({"name": "n", "scopes": ["api"], "days": 0}, "days"),
        ({"name": "n", "scopes": ["api"], "min_confidence": 2}, "min_confidence"),
        ({"name": "n", "scopes": ["api"], "user": "bob"}, "user"),
        ([], None),
    ],
)
def test_a_faulty_wish_is_refused_at_the_field(body: Any, field: str | None) -> None:
    answer = api_of(make_person("ann")).send("POST", TOKENS, body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert ApiToken.objects.count() == 1


def test_the_command_prints_a_token_that_works() -> None:
    make_person("bot", is_service=True)
    out = StringIO()
    call_command(
        "token_issue",
        "bot",
        "--scope",
        "features:read",
        "--scope",
        "alerts:write",
        "--days",
        "9",
        "--json",
        stdout=out,
    )
    found = authenticate_bearer("Bearer " + json.loads(out.getvalue())["token"])
    assert found is not None
    assert (found.user.username, found.scopes) == ("bot", ["alerts:write", "features:read"])
    assert AuditRecord.objects.get(action="token_issued").actor == "command line"


def test_a_token_of_the_command_lives_ninety_days_if_nothing_is_said() -> None:
    make_person("bot", is_service=True)
    call_command("token_issue", "bot", "--scope", "features:read", stdout=StringIO())
    token = ApiToken.objects.get()
    assert token.expires_at - token.created_at == pytest.approx(timedelta(days=90), abs=timedelta(minutes=1))


@pytest.mark.parametrize(
    "arguments", [["nobody", "--days", "1"], ["bot", "--days", "0"], ["bot", "--days", "9" * 12]]
)
def test_the_command_refuses_clearly(arguments: list[str]) -> None:
    make_person("bot", is_service=True)
    with pytest.raises(CommandError):
        call_command("token_issue", *arguments, "--scope", "api")
    assert ApiToken.objects.count() == 0
