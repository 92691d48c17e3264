"""The door of pages, for whole pages and for fragments that htmx asks for."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.accounts.asking import admin, browser_of, words
from tests.people import make_person

pytestmark = [pytest.mark.page, pytest.mark.django_db]

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/actions/3?who=all"}


def test_a_stranger_comes_back_to_the_page_with_its_query() -> None:
    assert Client().get("/me?a=1").headers["Location"] == "/sign-in?next=/me%3Fa%3D1"


def test_a_strangers_form_leads_back_to_where_it_stood() -> None:
    answer = Client().post("/me", headers={"Referer": "http://testserver/me?a=1"})
    assert answer.headers["Location"] == "/sign-in?next=/me%3Fa%3D1"
    foreign = Client().post("/me", headers={"Referer": "https://elsewhere.example/x"})
    assert foreign.headers["Location"] == "/sign-in?next=/"


def test_a_strangers_fragment_moves_the_whole_window() -> None:
    answer = Client().get("/me/mail", headers=HTMX)
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/actions/3%3Fwho%3Dall"
    assert answer.content == b""


def test_a_refusal_is_told_where_the_form_stood_with_and_without_htmx() -> None:
    root = admin()
    me = root.get("/me").context["person"].pk
    plain = root.post(
        f"/admin/people/{me}/deactivate", headers={"Referer": "http://testserver/admin/people?q=x"}
    )
    assert plain.headers["Location"] == "/admin/people?q=x"
    moved = root.post(
        f"/admin/people/{me}/deactivate",
        headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver/admin/people/{me}"},
    )
    assert moved.headers["HX-Redirect"] == f"/admin/people/{me}"
    assert words(root.get("/me")).count("root is the last active administrator.") == 2


@pytest.mark.parametrize("before", ["https://elsewhere.example/", "//elsewhere.example", "javascript:x", ""])
def test_nobody_is_sent_elsewhere_by_a_forged_address(before: str) -> None:
    root = admin()
    me = root.get("/me").context["person"].pk
    answer = root.post(f"/admin/people/{me}/deactivate", headers={"Referer": before})
    assert answer.headers["Location"] == "/"


def test_the_page_of_another_role_says_which_role_it_needs() -> None:
    answer = browser_of(make_person("ann", "viewer")).get("/admin/people")
    assert answer.status_code == 403


def test_other_methods_are_not_allowed() -> None:
    answer = admin().delete("/me")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
