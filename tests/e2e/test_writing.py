"""Writing a postmortem by keyboard alone: every stop of the focus is seen, and every step is reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .hands import Keyboard
from .test_story import incident_of

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]


def test_a_postmortem_is_filed_by_keyboard_alone(people: People, shop: Installation) -> None:
    page = people("robin", reduced_motion="reduce")  # else the page still rolls when one looks
    page.goto(f"/incidents/{incident_of(shop, 'Search cache shrunk by a wrong limit')}")
    hands = Keyboard(page)
    hands.press("n")
    page.wait_for_url("**/postmortems/new?incident=*")
    hands.go("Begin a draft")

    hands.arrive("What happened")
    hands.to("Summary")
    hands.press("Control+A")
    hands.type("A limit of the cache was set in megabytes instead of gigabytes.")
    hands.go("Save and continue")
    when_it_happened(hands)
    in_which_words(hands)
    what_was_found(hands)
    hands.arrive("Actions")
    hands.go("Save and preview")

    hands.arrive("Preview")
    hands.go("File the postmortem")
    page.wait_for_url(re.compile(r"/postmortems/\d+$"))
    main = page.get_by_role("main")
    for words in ("megabytes instead of gigabytes", "08:40", "Nobody had read the unit", "Write the unit"):
        expect(main).to_contain_text(words)
    expect(page.get_by_role("region", name="Labels")).to_contain_text("Configuration error")


def when_it_happened(hands: Keyboard) -> None:
    hands.arrive("Timeline")
    hands.go("Add an entry", key="Space")
    hands.stand_on("When (UTC)")  # the new row takes the focus
    hands.type("2026-11-03 08:40")
    hands.to("What happened")
    hands.type("The hit ratio falls by half")
    hands.go("Save and continue")


def in_which_words(hands: Keyboard) -> None:
    hands.arrive("Labels")
    hands.tick("How did it fail?", "Configuration error")
    hands.choose("How much depends on the service?", "Tier 2")
    hands.choose("When did it happen?", "Business hours")
    hands.tick("What ended the harm?", "Configuration fix")
    hands.tick("What contributed?", "Missing runbook")
    hands.go("Save and continue")


def what_was_found(hands: Keyboard) -> None:
    hands.arrive("Findings")
    hands.go("Add an observation")
    hands.stand_on("What was seen")
    hands.type("Nobody had read the unit of the limit.")
    hands.go("Add a recommendation")
    hands.stand_on("What should change")
    hands.type("Write the unit into the name of each limit.")
    hands.to("O1: Nobody had read the unit", row="Recommendation 1")
    hands.press("Space")
    hands.go("Save and continue")
