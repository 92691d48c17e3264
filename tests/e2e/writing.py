"""A postmortem as people fill it in: the same steps by mouse, for tests that are about something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SAVED = re.compile(r"^Saved ")
LABELS = {
    "How did it fail?": "Expiry",
    "How much depends on the service?": "Tier 1",
    "When did it happen?": "Off hours",
    "What ended the harm?": "New credentials",
    "What contributed?": "Unclear ownership",
}


def status(page: Page) -> Locator:
    """Where a draft says whether it is saved."""
    return page.locator("[data-status]")


def begin(page: Page, incident: int) -> None:
    """From the page of an incident to the first step of a draft of its review."""
    page.goto(f"/incidents/{incident}")
    page.get_by_role("link", name="Write the postmortem").first.click()
    page.get_by_role("button", name="Begin a draft").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What happened")


def onward(page: Page, heading: str) -> None:
    """Save this step; the next one has this heading."""
    page.get_by_role("button", name="Save and ").and_(page.locator(".button-primary")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def add_entry(page: Page, at: str, text: str) -> None:
    page.get_by_role("button", name="Add an entry").click()
    row = page.locator('[data-list="timeline"] > [data-row]').last
    row.get_by_label("When (UTC)").fill(at)
    row.get_by_label("What happened").fill(text)


def choose_labels(page: Page) -> None:
    for question, label in LABELS.items():
        field = page.get_by_role("group", name=question)
        field.get_by_label(re.compile(rf"^\s*{label}\b")).check()


def add_finding(page: Page, seen: str, change: str) -> None:
    """An observation, and a recommendation that cites it."""
    page.get_by_role("button", name="Add an observation").click()
    page.locator('[data-list="observations"] > [data-row]').last.get_by_label("What was seen").fill(seen)
    page.get_by_role("button", name="Add a recommendation").click()
    row = page.locator('[data-list="recommendations"] > [data-row]').last
    row.get_by_label("What should change").fill(change)
    row.get_by_label(re.compile(r"^\s*O1: ")).check()


def add_action(page: Page, title: str, owner: str, due: str) -> None:
    page.get_by_role("button", name="Add an action").click()
    row = page.locator('[data-list="actions"] > [data-row]').last
    row.get_by_label("What will be done").fill(title)
    row.get_by_label("Owner").select_option(owner)
    row.get_by_label("Due").fill(due)
