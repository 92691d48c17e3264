"""The keys of the frame, the way past it, and dialogs that give the focus back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]


def opened(people: People, path: str) -> Page:
    page = people("robin")
    page.goto(path)
    return page


def test_slash_searches_and_is_a_letter_while_one_types(people: People) -> None:
    page = opened(people, "/")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    page.keyboard.type("n/?cart")
    expect(search).to_have_value("n/?cart")
    search.fill("cart")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=cart")
    expect(page.get_by_role("main").get_by_role("link", name="cart").first).to_be_visible()


def test_help_opens_by_its_key_and_escape_closes_it(people: People) -> None:
    page = opened(people, "/releases")
    link = page.get_by_role("main").get_by_role("link").first
    link.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Search")
    page.keyboard.press("n")  # keys mean nothing while a dialog is open
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    assert page.url.endswith("/releases")


def test_a_question_closes_by_escape_and_nothing_is_done(people: People) -> None:
    page = people("kim")
    page.goto("/releases/1")
    pin = page.get_by_role("button", name="Pin", exact=True)
    pin.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Keep release 1 readable")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(pin).to_be_focused()
    page.reload()
    expect(pin).to_be_visible()


def test_n_begins_something_new(people: People) -> None:
    page = people("robin")
    for path in ("/incidents", "/postmortems", "/insights", "/actions"):
        page.goto(path)
        page.keyboard.press("n")
        page.wait_for_url(f"**{path}/new")


def test_g_and_a_letter_go_to_a_place_and_keys_can_be_switched_off(people: People) -> None:
    page = opened(people, "/")
    target = page.locator("nav[aria-label=Main] a", has_text="Incidents")
    page.keyboard.press("g")
    page.keyboard.press(target.get_attribute("data-go") or "")
    page.wait_for_url("**/incidents")
    page.keyboard.press("?")
    page.get_by_role("checkbox", name="Use these keys in this browser").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).not_to_be_focused()
    page.reload()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_the_first_tab_leads_past_the_frame(people: People) -> None:
    page = opened(people, "/incidents")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
