"""How a page is looked at: in real Chromium, at two widths, light and dark, and what counts as a fault."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

AXE = Path(__file__).with_name("axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# Chromium logs every refusal; tests ask for them on purpose.
REFUSED = re.compile(r"status of (403|404|409|410|422|429)")
LOCAL = ("data:", "blob:", "about:")


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watch:
    """What a context's pages did wrong since the last `take`, and what the last page weighed."""

    origin: str
    problems: list[str] = field(default_factory=list)
    weight: int = 0
    requests: int = 0

    def on(self, context: BrowserContext) -> Watch:
        """Listen to every page of the context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.problems.append(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)
        return self

    def take(self) -> list[str]:
        """The problems so far; the list starts anew."""
        found, self.problems = self.problems, []
        return found

    def reset_weight(self) -> None:
        self.weight = self.requests = 0

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSED.search(message.text):
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.origin, *LOCAL)):
            self.problems.append(f"outside request: {request.url}")

    def _response(self, response: Response) -> None:
        self.requests += 1
        self.weight += int(response.headers.get("content-length", "0") or 0)
        if response.status >= 500:
            self.problems.append(f"{response.status} from {response.url}")


def axe(page: Page, rules: list[str] | None = None) -> list[str]:
    """Violations of WCAG 2.2 AA as readable lines; `rules` looks for these alone."""
    page.evaluate(AXE)
    options: dict[str, Any] = {"runOnly": {"type": "rule", "values": rules}} if rules else {"runOnly": TAGS}
    found = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"axe {entry['id']} ({entry['impact']}): {node['html'][:200]} {_why(node)}"
        for entry in found
        for node in entry["nodes"]
    ]


def _why(node: Any) -> str:
    checks = [*node.get("any", []), *node.get("all", []), *node.get("none", [])]
    return "; ".join(check["message"] for check in checks)[:200]


def sideways(page: Page) -> list[str]:
    """Whether the page can be scrolled sideways, and the element that sticks out."""
    wide = page.evaluate(
        """() => {
            const limit = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= limit) return null;
            const out = [...document.querySelectorAll('body *')].filter(e => {
                const box = e.getBoundingClientRect();
                return box.right > limit + 1 && box.width > 0 && getComputedStyle(e).position !== 'fixed';
            });
            const last = out[out.length - 1];
            return last ? last.outerHTML.slice(0, 160) : 'unknown element';
        }"""
    )
    return [f"scrolls sideways: {wide}"] if wide else []


def settle(page: Page) -> None:
    """Wait until fragments are loaded and swapped."""
    page.wait_for_load_state("networkidle", timeout=20_000)


def examine(
    page: Page,
    shots: Path | None = None,
    name: str = "",
    *,
    widths: Sequence[int] = WIDTHS,
    schemes: Sequence[str] = SCHEMES,
) -> list[str]:
    """Look at the open page in each width and scheme; `shots` keeps a picture of each.

    Dark differs from light in colours alone, so there the contrast is measured and nothing else again.
    """
    problems: list[str] = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]  # a Literal there
            found = axe(page, None if scheme == "light" else ["color-contrast"]) + sideways(page)
            problems += [f"{width} {scheme}: {line}" for line in found]
            if shots is not None:
                page.screenshot(path=shots / f"{name}-{width}-{scheme}.png", full_page=True)
    return problems
