"""What is refused, how it is said, and that nothing changes by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.blackbox.story import propose

if TYPE_CHECKING:
    from playwright.sync_api import APIResponse, Locator, Page

    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

SERIES = "cart/latency_p95"
OWN = "You wrote this insight, so you cannot judge it."
REASON = "The last four weeks do not show it. Name the nights."


@pytest.fixture
def insight(shop: Installation) -> dict[str, Any]:
    """An insight of Robin's that waits for its reviewers."""
    return propose(shop, SERIES, scale=0.5)


def token_of(page: Page) -> str:
    return page.locator("input[name=csrfmiddlewaretoken]").first.input_value()


def post(page: Page, path: str, fields: dict[str, str]) -> APIResponse:
    """What a person sends who knows the address, with the cookies and the token of the page."""
    form: dict[str, str | float | bool] = {"csrfmiddlewaretoken": token_of(page), **fields}
    return page.request.post(path, form=form, headers={"Referer": page.url}, timeout=60_000)


def unfold(page: Page, label: str) -> Locator:
    """The form behind a decision that needs a reason."""
    found = page.locator("details", has=page.locator("summary", has_text=re.compile(rf"^{label}$")))
    found.locator("summary").click()
    return found


def decide(page: Page, insight: dict[str, Any], label: str, reason: str) -> None:
    page.goto(f"/insights/{insight['id']}")
    form = unfold(page, label)
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name=label).click()


def test_nobody_approves_what_they_wrote(people: People, shop: Installation) -> None:
    page = people("sam")
    page.goto("/insights/new")
    mine = shop.post(
        "reviewer",
        "/api/v1/insights",
        {
            "title": "Mine alone",
            "recommendation": "Later.",
            "scope": {"series": [SERIES]},
            "confidence": 0.7,
            "provenance": {
                "document": "https://wiki.example/runbook",
                "sha256": "0" * 64,
                "lines": [1, 1],
                "excerpt": "Alarm later.",
            },
            "signals": [{"kind": "theta_scale", "value": 0.5}],
        },
    )
    page.goto(f"/insights/{mine['id']}")
    decision = page.get_by_role("region", name="Your decision")
    expect(decision).to_contain_text(OWN)
    expect(decision.get_by_role("button", name="Approve")).to_have_count(0)

    marks = dict.fromkeys(("relevance", "timeliness", "breadth", "actionability"), "5")
    yes = {"revision": "1", "override_reason": "I know better.", **marks}
    refused = post(page, f"/insights/{mine['id']}/approve", yes)
    assert OWN in refused.text()
    after = shop.get("operator", f"/api/v1/insights/{mine['id']}")
    assert (after["state"], after.get("release")) == (mine["state"], mine.get("release"))
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Nobody has marked revision 1 yet")


def test_a_viewer_reads_and_is_told_what_writing_needs(people: People) -> None:
    page = people("lee")
    page.goto("/insights")
    expect(page.get_by_role("main").get_by_role("table")).to_be_visible()
    reply = page.goto("/insights/new")
    assert reply is not None
    assert reply.status == 403
    main = page.get_by_role("main")
    expect(main).to_contain_text("This needs the role")
    expect(main).to_contain_text("Responder")
    expect(main).to_contain_text("signed in as Lee Park")
    page.goto("/insights/7")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert post(page, "/insights/7/reject", {"revision": "1", "reason": "No."}).status == 403


def test_a_stranger_signs_in_and_comes_back(people: People) -> None:
    page = people(None)
    page.goto("/releases/1?after=")
    page.wait_for_url(re.compile(r"/sign-in\?next="))
    page.get_by_role("button", name="Sign in as Robin Vale").click()
    page.wait_for_url(re.compile(r"/releases/1\?after=$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Release 1")


def test_a_wrong_incident_keeps_every_word(people: People) -> None:
    page = people("robin")
    page.goto("/incidents/new")
    page.get_by_label("Title").fill("The end came before the beginning")
    page.get_by_label("Service", exact=True).fill("cart")
    page.get_by_label("Severity").select_option("SEV-3")
    page.get_by_label("Summary").fill("Two clocks that disagree.\nOne of them is wrong.")
    page.locator("[name=impact_start_at]").fill("2026-11-02T10:00:00")
    page.locator("[name=mitigated_at]").fill("2026-11-02T09:00:00")
    with page.expect_response(lambda reply: reply.request.method == "POST") as sent:
        page.get_by_role("button", name="Declare").click()
    assert sent.value.status == 422
    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    summary.get_by_role("link").first.click()
    wrong = page.locator("[name=mitigated_at]")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_value(re.compile("2026-11-02T09:00"))
    expect(page.locator("[name=impact_start_at]")).to_have_value(re.compile("2026-11-02T10:00"))
    expect(page.get_by_label("Title")).to_have_value("The end came before the beginning")
    expect(page.get_by_label("Summary")).to_have_value("Two clocks that disagree.\nOne of them is wrong.")
    wrong.fill("2026-11-02T11:00:00")
    page.get_by_role("button", name="Declare").click()
    page.wait_for_url(re.compile(r"/incidents/\d+(#.*)?$"))
    expect(page.get_by_role("region", name="Durations")).to_contain_text("1 h")


def test_a_rejection_needs_a_reason_and_keeps_it(people: People, insight: dict[str, Any]) -> None:
    page = people("sam")
    decide(page, insight, "Reject", "…")
    expect(page.locator(".error-summary")).to_contain_text("Write why")
    form = page.locator("details[open]")
    expect(form.get_by_label("Reason")).to_have_value("…")
    form.get_by_label("Reason").fill(REASON)
    form.get_by_role("button", name="Reject").click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("Rejected")
    expect(main.locator(".callout").filter(has_text=REASON).first).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_changes_are_asked_for_and_the_author_is_told(people: People, insight: dict[str, Any]) -> None:
    decide(people("sam"), insight, "Ask for changes", REASON)
    robin = people("robin")
    robin.goto("/notices")
    expect(robin.get_by_role("link", name=re.compile("unread"))).to_be_visible()
    row = robin.get_by_role("listitem").filter(has_text=insight["title"]).filter(has_text=REASON).first
    row.get_by_role("button", name=re.compile("^Open")).click()
    robin.wait_for_url(f"**/insights/{insight['id']}")
    expect(robin.get_by_role("main")).to_contain_text(REASON)
    robin.get_by_role("link", name="Revise").click()
    robin.get_by_label("Title").fill("Alarm later, on the nights that were named")
    robin.get_by_role("button", name="File this revision").click()
    robin.wait_for_url(f"**/insights/{insight['id']}")
    expect(robin.get_by_role("main")).to_contain_text("revision 2")
