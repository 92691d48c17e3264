from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.test import Client

from apps.notices import services
from apps.notices.models import MutedMail, Notice
from tests.accounts.asking import browser_of, check_refused, queries_of, words
from tests.people import api_of, make_person

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture
def ann() -> User:
    return make_person("ann")


def tell(person: User, number: int, url: str = "") -> Notice:
    key = f"k{number}"
    with transaction.atomic():
        services.tell(
            people=[person], kind="test.kind", title=f"Notice {number}", text="<b>", url=url, key=key
        )
    return Notice.objects.get(person=person, key=key)


def titles(page: str) -> list[str]:
    return re.findall(r"<strong>(Notice \d+)</strong>", page)


def test_unread_ones_come_first_newest_first(ann: User) -> None:
    rows = [tell(ann, number) for number in range(4)]
    tell(make_person("bob"), 9)
    client = browser_of(ann)
    client.post(f"/notices/{rows[3].pk}/read")
    page = words(client.get("/notices"))
    assert titles(page) == ["Notice 2", "Notice 1", "Notice 0", "Notice 3"]
    assert page.count("Mark as read:") == 3
    following = re.search(r'href="(\?[^"]+)" rel="next"', words(client.get("/notices?limit=2")))
    assert following is not None
    assert titles(words(client.get("/notices" + following[1]))) == ["Notice 0", "Notice 3"]


def test_opening_ticks_off_and_leads_there(ann: User) -> None:
    notice = tell(ann, 1, "/me/tokens?a=1")
    client = browser_of(ann)
    assert client.get(f"/notices/{notice.pk}/open").status_code == 405
    for _ in range(2):
        assert client.post(f"/notices/{notice.pk}/open").headers["Location"] == "/me/tokens?a=1"
    notice.refresh_from_db()
    assert notice.is_read
    plain = tell(ann, 2)
    assert client.post(f"/notices/{plain.pk}/open").headers["Location"] == "/notices"


def test_all_are_ticked_off_at_once_but_not_those_of_others(ann: User) -> None:
    theirs = tell(make_person("bob"), 1)
    for number in range(3):
        tell(ann, number)
    client = browser_of(ann)
    assert "3 marked as read." in words(client.post("/notices/read", follow=True))
    assert Notice.objects.filter(is_read=False).get() == theirs
    for verb in ("open", "read"):
        assert client.post(f"/notices/{theirs.pk}/{verb}").status_code == 404


def test_nothing_to_tell_leads_on(ann: User) -> None:
    assert "See what is open" in words(browser_of(ann).get("/notices"))


def test_the_frame_counts_what_is_unread_for_whole_pages_only(ann: User) -> None:
    for number in range(3):
        tell(ann, number)
    client = browser_of(ann)
    assert client.get("/me").context["unread_notices"] == 3
    fragment = client.get("/me/mail", headers={"HX-Request": "true"})
    assert "unread_notices" not in fragment.context
    assert "<html" not in words(fragment)
    assert "unread_notices" not in Client().get("/sign-in").context


def test_the_list_costs_the_same_whatever_its_length(ann: User) -> None:
    client = browser_of(ann)
    for number in range(12):
        tell(ann, number)
        if number == 1:
            few = queries_of(client, "/notices")
    assert queries_of(client, "/notices") == few


def test_kinds_are_muted_and_wanted_again(ann: User) -> None:
    tell(ann, 1)
    client = browser_of(ann)
    page = words(client.get("/me/mail"))
    assert re.search(r'value="test.kind"[^>]*checked', page)
    assert client.post("/me/mail", {}).headers["Location"] == "/me/mail"
    assert MutedMail.objects.filter(person=ann, kind="test.kind").count() == 1
    assert not re.search(r'value="test.kind"[^>]*checked', words(client.get("/me/mail")))
    client.post("/me/mail", {"kinds": ["test.kind"]})
    assert MutedMail.objects.filter(kind="test.kind").count() == 0


@pytest.mark.parametrize("kind", ["unknown", "a\x00", "x" * 300])
def test_an_unknown_kind_is_refused_and_the_choice_is_kept(ann: User, kind: str) -> None:
    tell(ann, 1)
    page = check_refused(
        browser_of(ann), "/me/mail", {"kinds": [kind, "test.kind"]}, "not one of the available choices"
    )
    assert re.search(r'value="test.kind"[^>]*checked', page)
    assert MutedMail.objects.count() == 0


def test_the_api_lists_and_ticks_off_mine(ann: User) -> None:
    notice = tell(ann, 1, "/insights/4")
    theirs = tell(make_person("bob"), 1)
    api = api_of(ann, "notices:read")
    (listed,) = api.send("GET", "/api/v1/notices").json()["items"]
    assert {name: listed[name] for name in ("id", "kind", "title", "url", "read_at")} == {
        "id": notice.pk,
        "kind": "test.kind",
        "title": "Notice 1",
        "url": "/insights/4",
        "read_at": None,
    }
    first, second = (api.send("POST", f"/api/v1/notices/{notice.pk}/read").json() for _ in range(2))
    assert first["read_at"] == second["read_at"] is not None
    assert api.send("POST", f"/api/v1/notices/{theirs.pk}/read").status_code == 404
