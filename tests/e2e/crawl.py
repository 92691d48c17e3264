"""Finds every page that a role can reach by following links, as a person would, and looks at each."""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from django.urls import Resolver404, resolve

from .looking import SCHEMES, WIDTHS, Watch, examine, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from playwright.sync_api import Browser, Page

SKIPPED = ("/api/", "/static/", "/feast/", "/healthz")
SAMPLES = 2  # pages of one route that are opened; what differs further is data
QUERY_SAMPLES = 2  # the same with a query string, such as a filter


@dataclass
class Seen:
    """One page as one role saw it."""

    role: str
    url: str
    route: str
    status: int
    queries: int | None
    weight: int
    requests: int
    problems: list[str] = field(default_factory=list)
    name: str = ""


def crawl(
    browser: Browser,
    origin: str,
    role: str,
    username: str | None,
    shots: Path | None,
    *,
    samples: tuple[int, int] = (SAMPLES, QUERY_SAMPLES),
    widths: Sequence[int] = WIDTHS,
    schemes: Sequence[str] = SCHEMES,
) -> list[Seen]:
    """Every page from the home page on, as this person; `username` None is a stranger.

    `samples` is how many pages of one route are opened, without a query string and with one. Each is looked
    at in these widths and colour schemes.
    """
    context = browser.new_context(base_url=origin)
    watch = Watch(origin).on(context)
    page = context.new_page()
    if username is not None:
        sign_in(page, username)
    found: list[Seen] = []
    for url, route in _walk(page, origin, samples):
        watch.take()  # axe itself writes styles, which the policy refuses and the console tells
        watch.reset_weight()
        reply = page.goto(url)
        settle(page)
        status = reply.status if reply else 0
        seen = Seen(role, url, route, status, _queries(reply), watch.weight, watch.requests)
        seen.name = f"{role}-{len(found) + 1:03d}-{slug(url)}"
        seen.problems = watch.take() + examine(page, shots, seen.name, widths=widths, schemes=schemes)
        if seen.status >= 400:
            seen.problems.append(f"a link leads to status {seen.status}")
        found.append(seen)
    context.close()
    return found


def sign_in(page: Page, username: str) -> None:
    """Through the demo's one-click buttons."""
    page.goto("/sign-in")
    page.locator(f'form:has(input[value="{username}"]) button').click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def _walk(page: Page, origin: str, samples: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """Address and route of each page to open; between two steps the caller has opened the one before."""
    counts: Counter[tuple[str, bool]] = Counter()
    queue, known = deque(["/"]), {"/"}
    while queue:
        url = queue.popleft()
        route = route_of(url)
        kind = (route or "", "?" in url)
        if route is None or counts[kind] >= samples[kind[1]]:
            continue
        counts[kind] += 1
        yield url, route
        for link in links(page, origin):
            if link not in known:
                known.add(link)
                queue.append(link)


def links(page: Page, origin: str) -> list[str]:
    """Addresses of this installation that the page links to, without fragments, in order."""
    hrefs = page.eval_on_selector_all(
        "a[href]:not([download])", "found => found.map(a => a.getAttribute('href'))"
    )
    found: list[str] = []
    for href in hrefs:
        whole = urljoin(page.url, href)
        if not whole.startswith(origin):
            continue
        parts = urlsplit(whole)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if not path.startswith(SKIPPED) and path not in found:
            found.append(path)
    return found


def route_of(url: str) -> str | None:
    """The route that answers an address; None for one that is none of ours."""
    try:
        return str(resolve(urlsplit(url).path).route)
    except Resolver404:
        return f"unknown: {urlsplit(url).path}"


def slug(url: str) -> str:
    """An address as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "-", url.lower()).strip("-")[:60] or "home"


def _queries(reply: object) -> int | None:
    timing = getattr(reply, "headers", {}).get("server-timing", "")
    match = re.search(r"(\d+) queries", timing)
    return int(match.group(1)) if match else None
