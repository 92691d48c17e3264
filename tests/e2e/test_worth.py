"""A manager asks what a release is worth: asked for on the comparison, answered by the worker, in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from .looking import SCHEMES, WIDTHS, examine

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]
MEASURED_MS = 180_000  # a replay on a busy machine


def test_a_release_is_weighed_against_another(people: People, shop: Installation) -> None:
    newest = shop.get("operator", "/api/v1/releases?limit=1")["items"][0]["number"]
    page = people("alex")
    page.goto(f"/releases/1/compare/{newest}")
    page.get_by_role("button", name=re.compile("Replay both")).click()
    answer = page.locator("section[aria-labelledby='worth']")
    expect(answer.get_by_role("heading", name="What each insight contributes")).to_be_visible(
        timeout=MEASURED_MS
    )
    expect(answer).to_contain_text(re.compile("Too few data|No evidence|Better|Worse"))
    expect(answer.get_by_role("table", name="Contribution of each insight")).to_be_visible()
    run = shop.get("operator", f"/api/v1/releases/{newest}/ablations?limit=1")["items"][0]
    figures = shop.get("operator", f"/api/v1/releases/{newest}/ablations/{run['id']}")["figures"]
    arms = figures["arms"]
    expect(answer).to_contain_text(
        f"release {newest} raises {arms['release']['false_alarms']} false alarms where "
        f"release 1 raises {arms['against']['false_alarms']}"
    )
    for entry in figures["contributions"]:
        row = answer.get_by_role("region", name="Contributions").get_by_role("row")
        expect(row.filter(has_text=entry["title"])).to_have_count(1)
    assert examine(page, widths=WIDTHS, schemes=SCHEMES) == []
