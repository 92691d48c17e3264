"""What somebody sees first: three clicks after the start, one lesson's whole way with real numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .test_story import reload_until

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]


def test_three_clicks_lead_to_a_lesson_and_its_effect(people: People, shop: Installation) -> None:
    page = people(None)
    page.goto("/")
    page.get_by_role("button", name=re.compile("Sign in as Robin Vale")).click()  # the first
    expect(page.get_by_role("heading", level=1)).to_have_text("What to do next")
    page.get_by_role("link", name=re.compile("Follow one lesson the whole way")).click()  # the second
    page.wait_for_url(re.compile(r"/lessons/\d+$"))
    insight = int(page.url.rsplit("/", 1)[1])
    reload_until(page, page.locator("#effect a[href^='/verdicts/']").first)
    reload_until(page, page.locator("#release a[href^='/releases/']").first)

    for station in ("alarm", "incident", "postmortem", "insight", "review", "release", "actions", "effect"):
        expect(page.locator(f"#{station}")).not_to_have_class(re.compile("is-ahead"))
    told = shop.get("operator", f"/api/v1/insights/{insight}")
    expect(page.get_by_role("heading", level=1)).to_have_text(told["title"])
    incident = page.locator("#incident a[href^='/incidents/']").first
    number = str(incident.get_attribute("href")).rsplit("/", 1)[1]
    expect(incident).to_have_text(shop.get("operator", f"/api/v1/incidents/{number}")["title"])
    release = str(page.locator("#release a[href^='/releases/']").first.get_attribute("href")).rsplit("/", 1)[
        1
    ]
    assert shop.get("operator", f"/api/v1/releases/{release}")["served_at"] is not None

    page.locator("#effect a[href^='/verdicts/']").first.click()  # the third: the replay behind the verdict
    page.wait_for_url(re.compile(r"/verdicts/\d+$"))
    verdict = page.request.get(f"{page.url}.json").json()
    assert (verdict["insight"], verdict["release"]) == (insight, int(release))
    alarms = verdict["report"]["false_alarms"]
    expect(page.get_by_role("main")).to_contain_text(
        f"{alarms['before']} false alarms without the insight, {alarms['after']} with it"
    )
    page.go_back()
    for name, value in (("without", alarms["before"]), ("with", alarms["after"])):
        expect(page.locator(".stats").first).to_contain_text(
            re.compile(rf"False alarms {name} it\s*{value}\b")
        )
    for series, figures in verdict["report"]["series"].items():
        row = (
            page.get_by_role("region", name="Effect on each series")
            .get_by_role("row")
            .filter(has_text=series)
        )
        expect(row).to_contain_text(str(figures["false_alarms"]["before"]))
