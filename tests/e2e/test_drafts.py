"""Drafts without a network, and with two people at once: no word is lost."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from . import writing

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

OFFLINE = r"ERR_INTERNET_DISCONNECTED"
KEPT = "Offline: kept in this browser, will save"


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def draft_of(people: People) -> tuple[Page, Locator]:
    """Robin at the first step of a new draft, and its summary."""
    page = people("robin")
    page.goto("/postmortems/new")
    page.get_by_role("button", name="Begin a draft").click()
    heading(page, "What happened")
    page.get_by_label("Title").fill("The network went away")
    expect(writing.status(page)).to_have_text(writing.SAVED)
    return page, page.get_by_label("Summary")


def as_saved(people: People, page: Page) -> Page:
    """The same draft as a colleague sees it: what the server has."""
    other = people("alex")
    other.goto(page.url)
    return other


def test_words_typed_without_a_network_are_saved_when_it_is_back(people: People) -> None:
    page, summary = draft_of(people)
    people.expect(page, OFFLINE)
    summary.fill("Before. ")
    expect(writing.status(page)).to_have_text(writing.SAVED)
    page.context.set_offline(True)
    summary.press("End")
    summary.press_sequentially("While it was away. ")
    expect(writing.status(page)).to_have_text(KEPT)
    summary.press_sequentially("And after that was said.")
    expect(writing.status(page)).to_have_text(KEPT)
    page.context.set_offline(False)
    expect(writing.status(page)).to_have_text(writing.SAVED)
    whole = "Before. While it was away. And after that was said."
    expect(summary).to_have_value(whole)
    expect(as_saved(people, page).get_by_label("Summary")).to_have_value(whole)


def test_a_tab_that_is_closed_without_a_network_loses_no_word(people: People) -> None:
    page, summary = draft_of(people)
    people.expect(page, OFFLINE)
    url, context = page.url, page.context
    context.set_offline(True)
    summary.fill("Typed into a tab that is about to go.")
    expect(writing.status(page)).to_have_text(KEPT)
    page.close()
    context.set_offline(False)

    again = context.new_page()
    again.goto(url)
    expect(again.get_by_label("Summary")).to_have_value("Typed into a tab that is about to go.")
    expect(writing.status(again)).to_have_text(writing.SAVED)
    expect(again.get_by_label("Title")).to_have_value("The network went away")
    saved = as_saved(people, again).get_by_label("Summary")
    expect(saved).to_have_value("Typed into a tab that is about to go.")


def test_of_two_editors_the_second_is_told_and_both_texts_can_be_chosen(people: People) -> None:
    robin, summary = draft_of(people)
    alex = as_saved(people, robin)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    alex.route("**/save", hold)  # what Alex types is on its way while Robin saves
    with alex.expect_request("**/save"):
        alex.get_by_label("Summary").fill("Alex: the router was replaced.")
        alex.get_by_label("Title").fill("A router failed")
    summary.fill("Robin: the cable was cut.")
    robin.get_by_label("Title").fill("A cable was cut")
    robin.get_by_label("Service").fill("cart")
    expect(writing.status(robin)).to_have_text(writing.SAVED)
    expect(as_saved(people, robin).get_by_label("Service")).to_have_value("cart")

    held[0].continue_()
    told = alex.get_by_role("alert").filter(has_text="changed this too")
    alex.unroute("**/save")
    expect(told.get_by_role("heading")).to_have_text(re.compile("^robin", re.IGNORECASE))
    for text in (
        "Alex: the router was replaced.",
        "Robin: the cable was cut.",
        "A router failed",
        "A cable was cut",
    ):
        expect(told).to_contain_text(text)
    expect(alex.get_by_label("Service")).to_have_value("cart")  # merged: Alex had not touched it
    told.get_by_role("group", name="Title").get_by_role("button", name="Take theirs").click()
    told.get_by_role("group", name="Summary").get_by_role("button", name="Keep mine").click()
    expect(told).to_have_count(0)
    expect(writing.status(alex)).to_have_text(writing.SAVED)
    for page in (alex, robin):
        page.reload()
        expect(page.get_by_label("Title")).to_have_value("A cable was cut")
        expect(page.get_by_label("Summary")).to_have_value("Alex: the router was replaced.")
    robin.get_by_role("link", name="Earlier states of this draft").click()
    expect(robin.get_by_role("main")).to_contain_text(re.compile("by alex", re.IGNORECASE))


def test_two_editors_without_a_script_choose_on_the_page(people: People) -> None:
    robin, summary = draft_of(people)
    alex = people("alex", java_script_enabled=False)
    alex.goto(robin.url)
    summary.fill("Robin: the cable was cut.")
    expect(writing.status(robin)).to_have_text(writing.SAVED)
    expect(as_saved(people, robin).get_by_label("Summary")).to_have_value("Robin: the cable was cut.")
    alex.get_by_label("Summary").fill("Alex: the router was replaced.")
    alex.get_by_role("button", name="Save and close").click()
    asked = alex.get_by_role("group", name="Summary")
    expect(asked).to_contain_text("Robin: the cable was cut.")
    expect(asked).to_contain_text("Alex: the router was replaced.")
    asked.get_by_label("Take theirs").check()
    alex.get_by_role("button", name="Save and close").click()
    alex.wait_for_url("**/postmortems")
    alex.goto(robin.url)
    expect(alex.get_by_label("Summary")).to_have_value("Robin: the cable was cut.")


def test_a_future_day_is_told_at_its_row_and_stays_as_typed(people: People) -> None:
    page, _ = draft_of(people)
    page.get_by_role("button", name=re.compile("Timeline")).click()
    heading(page, "Timeline")
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M")
    writing.add_entry(page, later, "Not yet")
    page.get_by_role("button", name="Save and continue").and_(page.locator(".button-primary")).click()
    wrong = page.get_by_role("alert").filter(has_text="not complete yet")
    expect(wrong).to_contain_text("This time has not come yet")
    expect(page.get_by_label("When (UTC)")).to_have_value(later)
