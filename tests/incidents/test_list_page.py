"""The list of incidents."""

from __future__ import annotations

import re
from html import unescape

import pytest

from apps.accounts.models import Role
from apps.incidents.models import Incident
from tests.people import make_person
from tests.reading import signed_in, text_of

from .making import at, browser, declare, responder, whole

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def test_the_list_says_what_is_there_and_opens_each() -> None:
    incident = declare(times=whole(), title="Checkout slow & <b>odd</b>")
    page = browser().get("/incidents")
    words = text_of(page)
    assert "Checkout slow & <b>odd</b>" in words
    assert "SEV-2" in words
    assert "1 h" in words
    assert f'href="/incidents/{incident.pk}"' in page.content.decode()


def test_an_empty_list_shows_the_next_step_to_those_who_may_take_it() -> None:
    assert "Declare the first one" in text_of(browser().get("/incidents"))
    assert "Declare an incident" not in text_of(signed_in(make_person("vera", Role.VIEWER)).get("/incidents"))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"slow checkout", "web down", "odd payments", "far away"}),
        ("?is=open", {"slow checkout", "far away"}),
        ("?is=ended", {"web down"}),
        ("?service=web", {"web down"}),
        ("?severity=SEV-1", {"odd payments"}),
        ("?kind=near_miss", {"odd payments"}),
        ("?origin=public", {"far away"}),
        ("?q=CHECKOUT+slow", {"slow checkout"}),
        ("?q=checkout+web", set()),
        ("?is=sometimes", set()),
        ("?kind=odd", set()),
        ("?q=%00", set()),
        ("?service=%00", set()),
    ],
)
def test_the_list_can_be_narrowed(query: str, found: set[str]) -> None:
    declare(title="slow checkout")
    declare(title="web down", service="web", state="closed")
    declare(title="odd payments", service="pay", severity="SEV-1", kind="near_miss", state="triage")
    declare(title="far away", service="else", origin="public")
    if query == "?is=open":
        found = found | {"odd payments"}
    words = text_of(browser().get(f"/incidents{query}"))
    titles = {"slow checkout", "web down", "odd payments", "far away"}
    assert {title for title in titles if title in words} == found


def test_ours_come_first_then_the_latest() -> None:
    declare(title="public one", origin="public", times={"impact_start": at(99)})
    declare(title="our older one", times={"impact_start": at(0)})
    declare(title="our newer one", times={"impact_start": at(9)})
    words = text_of(browser().get("/incidents"))
    places = [words.index(title) for title in ("our newer one", "our older one", "public one")]
    assert places == sorted(places)


def test_a_long_list_goes_on_where_the_page_ended() -> None:
    for number in range(3):
        declare(title=f"incident {number}", times={"impact_start": at(number)})
    client = browser()
    first = client.get("/incidents?limit=2&is=open")
    onward = re.search(r'href="(\?[^"]*cursor=[^"]*)"', first.content.decode())
    assert onward
    assert "is=open" in onward[1]
    rest = text_of(client.get(f"/incidents{unescape(onward[1])}"))
    assert "incident 0" in rest
    assert "incident 1" not in rest
    assert client.get("/incidents?cursor=nonsense").status_code == 404


def test_the_list_costs_as_many_queries_for_two_as_for_twelve() -> None:
    by = responder()
    client = signed_in(by)
    counts = []
    for number in (2, 12):
        while Incident.objects.count() < number:
            declare(by, times=whole(), series=["checkout/latency"])
        counts.append(client.get("/incidents").headers["Server-Timing"])
    assert counts[0] == counts[1]
