"""Somebody without a mouse: goes on by keys, and looks where the focus is after each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

MANY = 250  # presses of Tab; the longest step has about a hundred stops

FOCUS = """() => {
    const held = document.activeElement;
    if (!held || held === document.body) return null;
    const told = [...(held.labels ?? [])].map((label) => label.innerText).join(" ");
    const name = held.getAttribute("aria-label") || told || held.innerText || held.value || held.name || "";
    const style = getComputedStyle(held);
    const box = held.getBoundingClientRect();
    const spots = [[0.5, 0.5], [0.05, 0.1], [0.95, 0.1], [0.05, 0.9], [0.95, 0.9]].map(([x, y]) =>
        document.elementFromPoint(box.left + x * box.width, box.top + y * box.height));
    const label = held.closest("label");
    const plain = (text) => (text ?? "").replace(/\\s+/g, " ").trim();
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return {
        name: plain(name),
        group: plain(held.closest("fieldset")?.querySelector("legend")?.innerText),
        row: plain(held.closest("[data-row]")?.querySelector("[data-title]")?.innerText),
        ring: outlined || style.boxShadow !== "none",
        seen: spots.some((spot) => spot && (held.contains(spot) || spot.contains(held) && spot === label)),
        value: held.value ?? "",
        checked: held.checked ?? false,
    };
}"""


class Keyboard:
    """The keys of one page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)

    def focus(self) -> dict[str, Any]:
        return self.page.evaluate(FOCUS) or {"name": "", "group": "", "row": ""}

    def to(self, name: str, *, group: str = "", row: str = "", key: str = "Tab") -> dict[str, Any]:
        """Tab on to the control of this name; every stop shows where it is."""
        passed = []
        for _ in range(MANY):
            self.press(key)
            here = self.focus()
            passed.append(here["name"])
            if not here["name"]:
                continue
            assert here["ring"], f"no sign of the focus on {here['name']!r}"
            assert here["seen"], f"the focus is hidden on {here['name']!r}"
            if (
                re.match(name, here["name"])
                and here["group"].startswith(group)
                and here["row"].startswith(row)
            ):
                return here
        raise AssertionError(f"no way by {key} to {name!r}; passed {passed}")

    def go(self, name: str, key: str = "Enter") -> None:
        """Press a button."""
        self.to(name)
        self.press(key)

    def stand_on(self, name: str) -> None:
        """The focus was moved here."""
        assert self.focus()["name"].startswith(name)

    def arrive(self, title: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)

    def tick(self, question: str, label: str) -> None:
        """A box of a long list, after narrowing it down."""
        self.to("Narrow down", group=question)
        self.type(label)
        self.to(label, group=question)
        self.press("Space")
        assert self.focus()["checked"]

    def choose(self, question: str, label: str) -> None:
        """A radio button, by the arrows."""
        here = self.to("", group=question)
        while not here["name"].startswith(label):
            self.press("ArrowDown")
            here = self.focus()
            assert here["group"].startswith(question)
        if not here["checked"]:
            self.press("Space")
        assert self.focus()["checked"]
