"""The report, the power calculator and the page of a contributor, in a browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from .looking import AXE, TAGS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]
MEASURED_MS = 180_000  # a replay on a busy machine
OUTCOMES = re.compile("Improved:|Worse:|No evidence of a change:|Too few data:")
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 800}, "color_scheme": "dark"}


def measured(page: Page, shop: Installation) -> None:
    """Wait until the worker has replayed every action that the demo has done: their panels ask for it."""
    for action in shop.get("operator", "/api/v1/actions?state=done&limit=50")["items"]:
        page.goto(f"/actions/{action['id']}/verdict")
        expect(page.locator("main")).to_contain_text(OUTCOMES, timeout=MEASURED_MS)


def faults(page: Page) -> list[str]:
    """Violations of accessibility, and a page that scrolls sideways."""
    page.evaluate(AXE)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)["violations"]
    listed = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        listed.append("scrolls sideways")
    return listed


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_manager_reads_what_helped_and_what_is_too_few_data(
    people: People, shop: Installation, options: dict[str, Any]
) -> None:
    page = people("lee", **options)
    measured(page, shop)
    page.goto("/impact")
    expect(page.get_by_role("heading", name="Impact", exact=True)).to_be_visible()
    replay = page.get_by_role("region", name="By replay", exact=True)
    field = page.get_by_role("region", name="In the field", exact=True)
    expect(replay.get_by_role("table", name=re.compile("False alarms per day: effect"))).to_be_visible()
    row = replay.get_by_role("row").filter(has_text="Take the mute off").last
    expect(row).to_contain_text("Too few data")
    expect(row).to_contain_text("at least 12 are needed to tell")
    expect(row).to_contain_text(re.compile("To tell, it takes about [89] more service-days that differ"))
    expect(field).not_to_contain_text("Take the mute off")
    expect(field).to_contain_text("Nothing measured yet")
    expect(page.get_by_role("region", name="Minutes saved by objective")).to_contain_text("Reliability")
    assert faults(page) == []
    row.get_by_role("link", name="Take the mute off the queue's alarm").click()
    expect(page.get_by_role("heading", name="The replay behind the verdict")).to_be_visible()


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_the_power_calculator_answers_while_one_types(people: People, options: dict[str, Any]) -> None:
    page = people("lee", **options)
    page.goto("/impact")
    page.get_by_role("link", name="Power calculator").click()
    answer = page.locator("#answer")
    expect(answer).to_contain_text("incidents on each side")
    before = answer.inner_text()
    page.get_by_label("By how much, in %").fill("10")
    expect(answer).not_to_have_text(before)
    expect(answer).to_contain_text("a change by 10 %")
    page.get_by_label("What is to change").select_option("There are fewer incidents")
    expect(answer).to_contain_text("19 are needed to tell at all")
    page.get_by_label("By how much, in %").fill("0")  # refused by the browser itself: nothing is asked
    expect(page.locator("input:invalid")).to_have_value("0")
    assert faults(page) == []


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
def test_a_contributor_sees_what_their_lessons_changed(
    people: People, shop: Installation, options: dict[str, Any]
) -> None:
    page = people("robin", **options)
    measured(page, shop)
    page.goto("/contributions")
    row = page.get_by_role("listitem").filter(has_text="A burst stays below twice the usual level")
    expect(row).to_contain_text("release 1")
    expect(row).to_contain_text("16 false alarms without the insight, 0 with it")
    expect(row).to_contain_text("minutes of false pages saved in 30 days, by 95 % between")
    expect(row).to_contain_text("Improved")
    verified = page.get_by_role("region", name="Lessons with a verified effect")
    expect(verified.get_by_role("link", name="Robin Vale")).to_be_visible()
    assert faults(page) == []


def test_the_metrics_of_learning_keep_the_days_that_were_asked_for(people: People) -> None:
    page = people("alex", **PHONE)
    page.goto("/impact/learning")
    expect(page.get_by_role("region", name="Reliability by quarter")).to_contain_text("too few data")
    assert faults(page) == []
    page.get_by_label("From").fill("2026-01-01")
    page.get_by_label("To").fill("2025-01-01")
    people.expect(page, "422")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Give the earlier day as from.").first).to_be_visible()
    expect(page.get_by_label("From")).to_have_value("2026-01-01")
