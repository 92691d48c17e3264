"""All components in real Chromium: accessible, nothing sticks out, nothing is asked of others, keys work."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import override_settings

from tests.e2e.looking import Watch, chromium, examine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Dialog, Page
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOTS = Path(os.environ["AFTERCAST_UI_SHOTS"]) if "AFTERCAST_UI_SHOTS" in os.environ else None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's loop runs in this thread
    with chromium() as found:
        yield found


@pytest.fixture(autouse=True)
def only_the_gallery() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="tests.ui.gallery", FRAME_EXTRAS=[]):
        yield


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    found = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    yield found
    found.close()


@pytest.fixture
def watch(context: BrowserContext, live_server: LiveServer) -> Watch:
    return Watch(live_server.url).on(context)


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    return context.new_page()


@pytest.mark.parametrize("query", ["", "?wrong", "?out"])
def test_every_component_looks_well(page: Page, watch: Watch, query: str) -> None:
    page.goto(f"/gallery{query}")
    page.wait_for_load_state("networkidle")
    assert watch.take() == []
    assert examine(page, SHOTS, f"gallery{query.replace('?', '-')}") == []


def test_error_pages_look_well(page: Page, watch: Watch) -> None:
    page.goto("/no-such-page")
    page.wait_for_load_state("networkidle")
    assert watch.take() == []
    assert examine(page, SHOTS, "404") == []


def test_single_keys_search_go_and_help(page: Page) -> None:
    page.goto("/gallery")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("?")  # typed, since the search box has the focus
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("Tab")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard").is_visible()
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("?")
    assert page.get_by_role("dialog").count() == 0
    page.get_by_role("button", name="Keyboard").click()
    page.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/gallery?new")
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/incidents/list")


def test_a_confirmed_form_is_sent_once_and_a_refused_one_never(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if request.method == "POST" else None)
    page.goto("/gallery")
    page.get_by_role("button", name="Revert").click()
    dialog = page.get_by_role("dialog", name="Revert release 7?")
    assert "gets the one before" in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert sent == []
    page.get_by_role("button", name="Revert").click()
    with page.expect_navigation():
        dialog.get_by_role("button", name="Revert").click()
    assert sent == ["POST"]


def test_a_chart_reads_values_and_dragging_sets_the_interval(page: Page) -> None:
    page.goto("/gallery")
    plot = page.get_by_role("img", name="checkout/latency_p99")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    readout = page.locator("[data-readout]").first
    assert box is not None
    middle = box["y"] + 100
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    assert "2025-11-08 12:00 UTC" in readout.inner_text()
    assert " ms" in readout.inner_text()
    page.mouse.move(box["x"] + box["width"] / 7, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"] / 7, middle, steps=3)
    page.mouse.up()
    page.wait_for_url("**/gallery?from=*&to=*")
    asked = parse_qs(urlsplit(page.url).query)
    wanted = (dt.datetime(2025, 11, 6, tzinfo=dt.UTC), dt.datetime(2025, 11, 7, tzinfo=dt.UTC))
    for name, moment in zip(("from", "to"), wanted, strict=True):
        found = dt.datetime.fromisoformat(asked[name][0])
        assert abs(found - moment) < dt.timedelta(minutes=10)  # half a pixel or so


def test_leaving_typed_words_asks_first(page: Page) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", stay)
    page.goto("/gallery")
    page.get_by_label("Title", exact=True).fill("Timeouts")
    page.goto("/gallery?again")
    assert asked == ["beforeunload"]
    page.goto("/gallery")
    assert asked == ["beforeunload"]


def test_the_places_open_on_a_phone_and_the_summary_has_the_focus(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/gallery?wrong")
    assert page.evaluate("document.activeElement.className") == "error-summary"
    assert not page.get_by_role("link", name="Releases", exact=True).is_visible()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="Releases", exact=True).click()
    page.wait_for_url("**/features/releases")
