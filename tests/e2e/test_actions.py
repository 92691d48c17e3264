"""A criterion is declared, the action is done, the criterion is locked; completion; a tracker's page."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]


def fits(page: Page, name: str) -> None:
    """At both widths nothing is wider than the page; pictures are kept where AFTERCAST_UI_SHOTS says."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
        if folder := os.environ.get("AFTERCAST_UI_SHOTS"):
            page.screenshot(path=str(Path(folder) / f"{name}-{width}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_criterion_is_declared_kept_and_locked(people: People) -> None:
    page = people("robin")
    page.goto("/actions/new")
    page.get_by_label("What is to be done").fill("Drill the failover of the shop")
    page.get_by_label("Owner").select_option(index=1)
    due = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=20)
    page.get_by_label("Due").fill(due.isoformat())
    page.get_by_label("Service").select_option(index=1)
    page.get_by_label("Measured by").select_option("time_to_resolve")
    expect(page.get_by_label("Days compared")).to_have_value("84")
    words = page.get_by_text("In words:").locator("..")
    expect(words).to_contain_text("should go down by at least 30 %")
    page.get_by_label("Smallest effect worth having").fill("20")
    page.get_by_label("Days to settle").fill("14")
    page.get_by_label("Days to settle").press("Tab")
    expect(words).to_contain_text("by at least 20 %")
    expect(words).to_contain_text("the first 14 days left out")
    fits(page, "criterion")
    page.get_by_role("button", name="Open the action").click()
    expect(page.get_by_role("heading", name="Drill the failover of the shop")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("the first 14 days left out")
    page.get_by_role("button", name="Mark as done").click()
    expect(page.get_by_text("Locked since it was done")).to_be_visible()
    fits(page, "locked")
    expect(page.get_by_role("link", name="Change", exact=True)).to_have_count(0)


def test_the_pages_of_many_actions_fit(people: People) -> None:
    page = people("robin")
    page.goto("/actions?who=all")
    fits(page, "list")
    page.goto("/actions/completion")
    expect(page.get_by_role("heading", name="Completion")).to_be_visible()
    fits(page, "completion")


def test_an_administrator_adds_a_tracker_that_is_outside(people: People) -> None:
    page = people("ada")
    page.goto("/trackers")
    fits(page, "trackers")
    page.get_by_role("link", name="Add a tracker").first.click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Address of its API").fill("http://127.0.0.1:9")
    page.get_by_label("Repository or project").fill("octo/shop")
    page.get_by_label("Token").fill("secret")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("leads into this machine or its own network")
    fits(page, "tracker-refused")
    page.get_by_label("Address of its API").fill("https://8.8.8.8")
    page.get_by_label("Token").fill("secret")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Copy the secret of the webhook now")).to_be_visible()
    fits(page, "tracker")
