"""A reviewer reads what speaks for an insight: the gate by series, the last days, and what failed before."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .looking import SCHEMES, WIDTHS, examine

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]
SHOTS = Path(os.environ["AFTERCAST_E2E_SHOTS"]) if "AFTERCAST_E2E_SHOTS" in os.environ else None


def test_the_card_shows_gate_and_last_days_and_turns_to_others(people: People, shop: Installation) -> None:
    found = shop.get("operator", "/api/v1/insights?limit=50")["items"]
    one = next(item for item in found if item["gate"] and item["gate"]["verdict"] == "passed")
    page = people("alex")
    page.goto(f"/insights/{one['id']}")
    expect(page.get_by_role("table", name="By series, training part alone")).to_be_visible()
    panel = page.locator("section[aria-labelledby='last-days-title']")
    for days in (28, 7):
        if days != 28:
            panel.get_by_role("link", name=f"{days} days").click()
        table = panel.get_by_role("table", name=f"Alerts of the last {days} days by service")
        expect(table).to_be_visible()
        expect(panel.get_by_role("link", name=f"{days} days")).to_have_attribute("aria-current", "true")
        told = shop.get("operator", f"/api/v1/insights/{one['id']}/evidence?days={days}")["last_days"]
        for row in told["services"]:
            expect(table.get_by_role("row").filter(has_text=row["service"])).to_contain_text(
                re.compile(rf"{row['before']}\s+→\s+{row['after']}")
            )
    part = "all telemetry" if told["part"] == "all" else "the training part"
    expect(panel).to_contain_text(part)
    expect(page).to_have_url(re.compile(rf"/insights/{one['id']}$"))
    assert examine(page, SHOTS, "evidence-card", widths=WIDTHS, schemes=SCHEMES) == []


def test_the_page_of_what_failed_before(people: People) -> None:
    page = people("alex")
    page.goto("/missteps")
    reasons = page.get_by_role("columnheader", name="Why")
    expect(reasons).to_be_visible()
    assert reasons.evaluate("cell => cell.getBoundingClientRect().right") < 1280  # not beyond the edge
    assert examine(page, SHOTS, "missteps", widths=WIDTHS, schemes=SCHEMES) == []
