"""One shop for all browser tests of a process, and people who look at it, each in a browser context."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.blackbox import installation

from .crawl import sign_in
from .looking import Watch, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from tests.blackbox.installation import Installation

PATIENCE_MS = 60_000  # a busy machine is slow; nothing here waits longer than its condition needs
expect.set_options(timeout=PATIENCE_MS)

# What htmx says of a fragment that had not come yet when somebody went on to the next page.
LEFT_EARLY = r"console: htmx:(afterRequest|sendAbort)\b"


@pytest.fixture(scope="session")
def shop() -> Iterator[Installation]:
    """The demo as `up --demo` starts it, with web server, database and worker."""
    with installation.installed() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of a module, not of the session: two Playwrights in one process get in each other's way."""
    with chromium() as found:
        yield found


@dataclass
class Visit:
    """One person's context, what is watched there, and which problems the test itself causes."""

    who: str
    context: BrowserContext
    watch: Watch
    expected: list[str] = field(default_factory=lambda: [LEFT_EARLY])

    def problems(self) -> list[str]:
        return [
            f"{self.who}: {problem}"
            for problem in self.watch.take()
            if not any(re.search(pattern, problem) for pattern in self.expected)
        ]


class People:
    """Opens pages: `people("robin")` is a page of Robin; None is a stranger."""

    def __init__(self, browser: Browser, origin: str, known: dict[str, Any]) -> None:
        self.browser, self.origin, self.known = browser, origin, known
        self.visits: list[Visit] = []

    def __call__(self, username: str | None, **options: Any) -> Page:
        given: dict[str, Any] = {
            "base_url": self.origin,
            "viewport": {"width": 1280, "height": 900},
            "storage_state": self.known.get(username or ""),
        }
        context = self.browser.new_context(**given | options)
        context.set_default_timeout(PATIENCE_MS)
        self.visits.append(Visit(username or "stranger", context, Watch(self.origin).on(context)))
        page = context.new_page()
        if username is not None and username not in self.known:
            sign_in(page, username)
            self.known[username] = context.storage_state()
        return page

    def expect(self, page: Page, pattern: str) -> None:
        """Problems like this one are what the test is about."""
        next(visit for visit in self.visits if visit.context == page.context).expected.append(pattern)

    def leave(self) -> list[str]:
        """Close everything; what went wrong on the way."""
        for visit in self.visits:
            visit.context.close()
        return [problem for visit in self.visits for problem in visit.problems()]


@pytest.fixture(scope="session")
def known() -> dict[str, Any]:
    """Cookies of who has signed in already: once a process is enough."""
    return {}


@pytest.fixture
def people(browser: Browser, shop: Installation, known: dict[str, Any]) -> Iterator[People]:
    """Each page is watched: script errors, outside requests and 5xx fail the test."""
    found = People(browser, shop.url, known)
    yield found
    assert found.leave() == []
