"""A revision is tried in the shadow: refused inside a protected window, registered, seen, and stopped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.blackbox.story import propose

from .looking import axe, sideways

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

SERIES = "search/latency_p95"
HYPOTHESIS = "Bursts of the nightly index pass by themselves: half of the false alarms go."
DAY = timedelta(days=1)


def written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def online(shop: Installation) -> Any:
    body = {"feature_service": "detection", "entities": {"series": [SERIES]}}
    return shop.post("model", "/api/v1/features/online", body)["results"]


def protect(page: Page, now: datetime) -> None:
    """An operator protects the service for two days."""
    page.goto("/protected-windows")
    page.get_by_label("What is protected").select_option("search")
    page.get_by_label("Reason").fill("Week of the sale")
    page.get_by_label("From (UTC)").fill(written(now - timedelta(hours=1)))
    page.get_by_label("Until (UTC)").fill(written(now + 2 * DAY))
    page.get_by_role("button", name="Protect it").click()
    expect(page.get_by_role("list", name="Protected windows")).to_contain_text("Week of the sale")


def end(page: Page) -> None:
    """And ends the window before its time."""
    page.get_by_role("button", name=re.compile("End it")).first.click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_role("list", name="Protected windows")).to_contain_text("ended by Kim Osei")


def plan(page: Page, now: datetime) -> None:
    """Fill in what a run registers."""
    page.get_by_label("Hypothesis").fill(HYPOTHESIS)
    page.get_by_label("Measured by").select_option("false_alarms_per_day")
    page.get_by_label("Smallest effect worth having").fill("50")
    page.get_by_label("Planned end (UTC)").fill(written(now + 21 * DAY))
    override = page.get_by_label("Why it is tried although the gate did not pass")
    if override.count():
        override.fill("Its owners agreed to try it.")


def looks_well(page: Page) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert axe(page) == []
        assert sideways(page) == []
    page.set_viewport_size({"width": 1280, "height": 900})


def stop(page: Page, insight: int) -> None:
    """Before its planned end, with a reason."""
    page.goto(f"/insights/{insight}/shadow")
    page.get_by_role("region", name="Stop it").get_by_label("Reason").fill("The sale was moved.")
    page.get_by_role("button", name="Stop the run").click()
    expect(page.get_by_role("main")).to_contain_text("Stopped, so it is not judged")


def test_a_shadow_run_from_a_refusal_to_its_end(people: People, shop: Installation) -> None:
    now = datetime.now(UTC)
    insight = propose(shop, SERIES, scale=0.5)["id"]
    served = online(shop)
    kim, sam = people("kim"), people("sam")
    protect(kim, now)
    looks_well(kim)

    sam.goto(f"/insights/{insight}")
    life = sam.get_by_role("region", name="Life cycle")
    expect(life).to_contain_text("Shadow: not tried")
    life.get_by_role("link", name="Shadow runs").click()
    sam.wait_for_url(f"**/insights/{insight}/shadow")
    plan(sam, now)
    sam.get_by_role("button", name="Register and start").click()
    summary = sam.get_by_role("alert")
    expect(summary).to_contain_text("protected window of search: Week of the sale")
    expect(summary).to_contain_text(f"The next free moment is {now + 2 * DAY:%Y-%m-%d %H:%M}")
    expect(sam.get_by_label("Hypothesis")).to_have_value(HYPOTHESIS)
    looks_well(sam)

    end(kim)
    sam.get_by_role("button", name="Register and start").click()
    expect(sam.get_by_role("main")).to_contain_text("Registered and frozen")
    expect(sam.get_by_role("main")).to_contain_text("Going on: it is judged at its planned end")
    looks_well(sam)
    sam.goto(f"/insights/{insight}")
    expect(sam.get_by_role("region", name="Life cycle")).to_contain_text("Shadow: going on")
    assert online(shop) == served

    stop(sam, insight)
    assert online(shop) == served
