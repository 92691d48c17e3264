from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from apps.accounts.authentication import authenticate_bearer
from apps.accounts.models import Team, User
from apps.accounts.people import create_person
from apps.audit.models import AuditRecord
from tests.accounts.asking import admin, browser_of, check_refused, is_in, queries_of, words
from tests.people import make_person, make_token

pytestmark = [pytest.mark.page, pytest.mark.django_db]

SERVICE: dict[str, Any] = {"username": "checkout-detector", "roles": [], "team": ""}
TOKEN: dict[str, Any] = {"name": "detector", "scopes": ["alerts:write"], "days": "90"}


@pytest.fixture
def payments() -> Team:
    return Team.objects.create(slug="payments", name="Payments")


# --- people ---------------------------------------------------------------------------------------
def test_the_list_shows_roles_teams_and_state(payments: Team) -> None:
    create_person(username="ann", email="ann@example.org", roles=["reviewer"], team=payments)
    closed = make_person("gone")
    closed.is_active = False
    closed.save()
    make_person("bot", is_service=True)
    root = admin()
    page = words(root.get("/admin/people"))
    for text in ("ann@example.org", "Reviewer", "Payments", "No mail server is set"):
        assert (text in page) == (text != "No mail server is set"), text
    assert ">gone<" not in page
    assert ">bot<" not in page
    assert ">gone<" in words(root.get("/admin/people?state=closed"))
    assert ">bot<" in words(root.get("/admin/people?state=services"))


def test_without_a_mail_server_the_page_says_so(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert "No mail server is set" in words(admin().get("/admin/people"))
    assert "No mail server is set" in words(Client().get("/password-reset/sent"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ann", ["ann"]),
        ("EXAMPLE.org", ["ann", "bob", "root"]),
        ("lee bob", ["bob"]),
        ("nobody", []),
        ("a\x00", []),
        ("%", []),
        ("<script>alert(1)</script>", []),
    ],
)
def test_people_are_found_by_name_and_address(text: str, found: list[str]) -> None:
    make_person("ann")
    bob = make_person("bob")
    bob.last_name = "Lee"
    bob.save()
    answer = admin().get("/admin/people", {"q": text})
    page = words(answer)
    assert re.findall(r'data-label="User name" class="mono">(\w+)<', page) == found
    if not found:
        assert "Nobody like this" in page
    assert b"<script>alert" not in answer.content


def test_the_list_of_people_costs_the_same_whatever_its_length(payments: Team) -> None:
    root = admin()
    for number in range(2):
        create_person(username=f"a{number}", email="", roles=["viewer", "reviewer"], team=payments)
    few = queries_of(root, "/admin/people")
    for number in range(10):
        create_person(username=f"b{number}", email="", roles=["viewer"], team=payments)
    assert queries_of(root, "/admin/people") == few


def test_the_list_goes_on_by_key_and_keeps_what_was_looked_for() -> None:
    for number in range(4):
        make_person(f"a{number}")
    root = admin()
    page = words(root.get("/admin/people?limit=3&q=a"))
    following = re.search(r'href="(\?[^"]+)" rel="next"', page)
    assert following is not None
    assert "q=a" in following[1]
    assert ">a3<" in words(root.get("/admin/people" + following[1]))


def test_roles_are_given_and_taken_on_the_record() -> None:
    ann = make_person("ann", "viewer", "reviewer")
    root = admin()
    path = f"/admin/people/{ann.pk}"
    assert root.post(f"{path}/roles", {"roles": ["reviewer", "operator"]}).headers["Location"] == path
    assert User.objects.get(pk=ann.pk).roles() == {"reviewer", "operator"}
    last = AuditRecord.objects.order_by("-pk")[:2]
    assert [(row.actor, row.action, row.content()["roles"]) for row in last] == [
        ("root", "roles_revoked", ["viewer"]),
        ("root", "roles_granted", ["operator"]),
    ]
    root.post(f"{path}/roles", {})
    assert User.objects.get(pk=ann.pk).roles() == frozenset()


def test_an_unknown_role_is_refused_and_the_ticks_are_kept() -> None:
    ann = make_person("ann")
    page = check_refused(
        admin(), f"/admin/people/{ann.pk}/roles", {"roles": ["king", "operator"]}, "king is not one of"
    )
    assert re.search(r'value="operator"[^>]*checked', page)
    assert User.objects.get(pk=ann.pk).roles() == frozenset()


def test_the_last_administrator_stays_one() -> None:
    root = admin()
    me = User.objects.get(username="root")
    path = f"/admin/people/{me.pk}"
    check_refused(
        root,
        f"{path}/roles",
        {"roles": ["viewer"]},
        "root is the last active administrator.",
        "Give the role admin",
    )
    answer = root.post(f"{path}/deactivate", follow=True, headers={"Referer": f"http://testserver{path}"})
    assert "root is the last active administrator." in words(answer)
    me.refresh_from_db()
    assert me.is_active
    assert User.objects.get(pk=me.pk).roles() == {"admin"}


def test_closing_an_account_ends_its_sessions_and_tokens_for_ever() -> None:
    ann = make_person("ann", "viewer")
    plain, session = make_token(ann), browser_of(ann)
    root = admin()
    path = f"/admin/people/{ann.pk}"
    assert root.post(f"{path}/deactivate").headers["Location"] == path
    assert (is_in(session), authenticate_bearer(f"Bearer {plain}")) == (False, None)
    assert "Closed" in words(root.get(path))
    assert root.post(f"{path}/reactivate").status_code == 302
    ann.refresh_from_db()
    assert ann.is_active
    assert ann.roles() == {"viewer"}
    assert (is_in(session), authenticate_bearer(f"Bearer {plain}")) == (False, None)
    actions = list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-2:] == ["person_deactivated", "person_reactivated"]


def test_what_is_not_there_is_not_found() -> None:
    root = admin()
    for verb in ("roles", "deactivate", "reactivate", "tokens", "tokens/1/revoke"):
        assert root.post(f"/admin/people/999/{verb}", {"roles": []}).status_code == 404, verb
    for path in ("/admin/people/999", "/admin/people/9999999999999999999999"):
        assert root.get(path).status_code == 404


def test_a_service_account_is_made_and_gets_a_token_shown_once() -> None:
    root = admin()
    there = root.post("/admin/people/service-account", SERVICE).headers["Location"]
    assert root.post(f"{there}/tokens", TOKEN).headers["Location"] == there
    found = re.search(r"aft_[\w-]{40,}", words(root.get(there)))
    assert found is not None
    token = authenticate_bearer(f"Bearer {found[0]}")
    assert token is not None
    assert (token.user.username, token.user.is_service) == ("checkout-detector", True)
    assert found[0] not in words(root.get(there))
    assert AuditRecord.objects.get(action="token_issued").actor == "root"
    root.post(f"{there}/tokens/{token.pk}/revoke")
    assert authenticate_bearer(f"Bearer {found[0]}") is None
    assert AuditRecord.objects.get(action="token_revoked").actor == "root"


def test_people_make_their_own_tokens() -> None:
    ann = make_person("ann")
    assert admin().post(f"/admin/people/{ann.pk}/tokens", TOKEN).status_code == 404


def test_a_faulty_token_of_a_service_account_is_refused() -> None:
    bot = make_person("bot", is_service=True)
    check_refused(
        admin(),
        f"/admin/people/{bot.pk}/tokens",
        {**TOKEN, "days": "0"},
        "greater than or equal to 1",
        keeps="detector",
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"username": ""}, "This field is required."),
        ({"username": "a b"}, "Enter a valid username"),
        ({"username": "x" * 151}, "at most 150 characters"),
        ({"username": "a\x00"}, "Null characters are not allowed."),
        ({"username": "ROOT"}, "The name ROOT is taken."),
        ({"roles": ["king"]}, "king is not one of the available choices"),
        ({"team": "unknown"}, "not one of the available choices"),
    ],
)
def test_a_faulty_service_account_is_refused_at_the_field(change: dict[str, Any], says: str) -> None:
    typed = {**SERVICE, **change}
    check_refused(admin(), "/admin/people/service-account", typed, says, keeps=typed["username"])
    assert User.objects.count() == 1


# --- teams ----------------------------------------------------------------------------------------
def test_a_team_is_made_renamed_and_filled() -> None:
    root = admin()
    ann = make_person("ann")
    there = root.post("/admin/teams", {"name": "Payments & Billing"}).headers["Location"]
    assert there == "/admin/teams/payments-billing"
    root.post(there, {"name": "Money"})
    for _ in range(2):
        assert root.post(f"{there}/members", {"username": "ANN"}).headers["Location"] == there
    page = words(root.get(there))
    assert "Money" in page
    assert ">ann<" in page
    assert "1 member" in words(root.get("/admin/teams"))
    for _ in range(2):
        assert root.post(f"{there}/members/{ann.pk}/remove").status_code == 302
    assert "Nobody yet" in words(root.get(there))
    actions = list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))
    assert actions[-4:] == ["team_created", "team_renamed", "team_member_added", "team_member_removed"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "This field is required."),
        ("x" * 121, "at most 120 characters"),
        ("a\x00", "Null characters are not allowed."),
        ("Payments", "There is a team payments."),
        ("日本", "needs a Latin letter or a digit"),
    ],
)
def test_a_faulty_team_is_refused_at_the_field(payments: Team, name: str, says: str) -> None:
    check_refused(admin(), "/admin/teams", {"name": name}, says, keeps=name)
    assert Team.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "says"),
    [(" ", "This field is required."), ("x" * 121, "at most 120"), ("a\x00", "Null characters")],
)
def test_a_faulty_new_name_is_refused(payments: Team, name: str, says: str) -> None:
    check_refused(admin(), "/admin/teams/payments", {"name": name}, says)
    payments.refresh_from_db()
    assert payments.name == "Payments"


@pytest.mark.parametrize(
    ("username", "says"),
    [
        ("", "This field is required."),
        ("nobody", "There is no active person of this user name."),
        ("gone", "There is no active person of this user name."),
        ("a\x00", "Null characters are not allowed."),
        ("x" * 151, "at most 150 characters"),
    ],
)
def test_a_faulty_member_is_refused_at_the_field(payments: Team, username: str, says: str) -> None:
    gone = make_person("gone")
    gone.is_active = False
    gone.save()
    check_refused(admin(), "/admin/teams/payments/members", {"username": username}, says, keeps=username)
    assert payments.memberships.count() == 0


def test_a_team_that_is_not_there_is_not_found(payments: Team) -> None:
    root = admin()
    assert root.get("/admin/teams/none").status_code == 404
    for path in ("none", "none/members", "none/members/1/remove", "payments/members/999/remove"):
        assert root.post(f"/admin/teams/{path}", {"name": "x", "username": "root"}).status_code == 404, path


def test_lists_of_teams_and_members_cost_the_same_whatever_their_length(payments: Team) -> None:
    root = admin()
    paths = ("/admin/teams", "/admin/teams/payments")
    for number in range(12):
        Team.objects.create(slug=f"t{number}", name="T")
        create_person(username=f"p{number}", email="", roles=[], team=payments)
        if number == 1:
            few = [queries_of(root, path) for path in paths]
    assert [queries_of(root, path) for path in paths] == few
