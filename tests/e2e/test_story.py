"""The whole loop as three people in three browsers: from an incident to a measured effect."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from . import writing

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.blackbox.installation import Installation

    from .conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

SERIES = "cart/requests_per_s"
INCIDENT = "Cart unreachable behind an expired internal certificate"
SEEN = "Every alarm of the month but one was about a rise, and no customer had felt any rise."
CHANGE = "On cart requests, alarm only on a fall."
TITLE = "Only a fall of cart requests wakes somebody"
ACTION = "Tell on-call that a rise no longer pages"
MEASURED_MS = 180_000  # a replay on a busy machine
OUTCOMES = re.compile("Improved|Worse|No evidence|Too few data")


def incident_of(shop: Installation, title: str) -> int:
    found = [
        each
        for each in shop.get("operator", "/api/v1/incidents?limit=100")["items"]
        if each["title"] == title
    ]
    return int(found[0]["id"])


def file_the_review(page: Page, shop: Installation) -> None:
    """Every step of the form, to a filed postmortem with an action."""
    writing.begin(page, incident_of(shop, INCIDENT))
    expect(page.get_by_label("Title")).to_have_value(INCIDENT)  # filled in from the incident
    page.get_by_label("Summary").fill("The certificate between cart and gateway had expired at night.")
    writing.onward(page, "Timeline")
    writing.add_entry(page, "2026-11-01 02:10", "Requests of the cart fall to a quarter")
    writing.add_entry(page, "2026-11-01 02:31", "A new certificate is rolled out")
    writing.onward(page, "Labels")
    writing.choose_labels(page)
    writing.onward(page, "Findings")
    writing.add_finding(page, SEEN, CHANGE)
    writing.onward(page, "Actions")
    due = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    writing.add_action(page, "Watch the age of internal certificates", "robin", due)
    writing.onward(page, "Preview")
    expect(page.get_by_role("list", name="Narrative, line by line")).to_contain_text(CHANGE)
    page.get_by_role("button", name="File the postmortem").click()
    page.wait_for_url(re.compile(r"/postmortems/\d+$"))
    expect(page.get_by_role("region", name="Actions")).to_contain_text("Watch the age")


def previewed(page: Page) -> dict[str, str]:
    """The preview's figures of the series, now and with the draft, and the alarms that differ."""
    rows = page.get_by_role("region", name=f"Numbers of {SERIES}").locator("tbody tr")
    found = {}
    for row in rows.all():
        name, *cells = row.locator("th, td").all_inner_texts()
        found[re.sub(r", of \d+", "", name)] = " -> ".join(cells)
    found["alarms"] = page.locator("#preview").get_by_text("Alarms that no longer come").inner_text()
    return found


def preview_after(page: Page, change: Callable[[], None]) -> dict[str, str]:
    """What the live preview shows once it shows something else; nobody presses its button."""
    preview = page.locator("#preview")
    before = preview.text_content() or ""
    change()
    expect(preview).not_to_have_text(before)
    return previewed(page)


def propose(page: Page) -> tuple[int, dict[str, str]]:
    """The insight of the recommendation, after playing with the threshold; what the preview said last."""
    page.get_by_role("link", name="Propose an insight from this").click()
    expect(page.get_by_label("Recommendation")).to_have_value(CHANGE)
    page.get_by_label("Title").fill(TITLE)
    expect(page.get_by_role("listbox", name="Series")).to_have_values([SERIES])  # those of the incident
    expect(page.get_by_role("region", name=f"Numbers of {SERIES}")).to_be_visible()
    plain = previewed(page)
    assert len(set(plain["False alarms"].split(" -> "))) == 1  # no signal yet: both ways are the same

    threshold = signal(page, "Alarm later or earlier: scale the threshold")
    number = threshold.get_by_label("Threshold, in doublings")
    later = preview_after(page, lambda: number.fill("3"))
    earlier = preview_after(page, lambda: number.fill("-1"))
    assert later["False alarms"] != earlier["False alarms"]
    assert later["alarms"] != earlier["alarms"]
    preview_after(page, lambda: threshold.get_by_role("checkbox").uncheck())

    falls = signal(page, "Alarm in one direction only")
    chosen = preview_after(page, lambda: falls.get_by_label("Alarm only when the value falls").check())
    assert chosen["False alarms"] != plain["False alarms"]
    assert len(set(chosen["Incidents caught"].split(" -> "))) == 1  # and none is lost for it
    expect(page.locator("#preview")).to_contain_text("The gate: passed")

    page.get_by_label("Confidence").select_option("0.8")
    page.get_by_role("button", name="Propose it").click()
    page.wait_for_url(re.compile(r"/insights/\d+$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    return int(page.url.rsplit("/", 1)[1]), chosen


def signal(page: Page, words: str) -> Locator:
    """The controls of one kind of signal, unfolded."""
    found = page.locator("details.signal", has=page.locator("summary", has_text=words))
    found.locator("summary").click()
    return found


def approve(page: Page, insight: int, marks: tuple[int, int, int, int]) -> None:
    """From the queue, with marks."""
    page.goto("/queue")
    page.get_by_role("link", name=TITLE).first.click()
    page.wait_for_url(f"**/insights/{insight}")
    for name, mark in zip(("Relevance", "Timeliness", "Breadth", "Actionability"), marks, strict=True):
        page.get_by_label(name).select_option(str(mark))
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(f"**/insights/{insight}")
    expect(page.get_by_role("region", name="Marks by rater")).to_contain_text(str(marks[2]))


def online(shop: Installation) -> dict[str, Any]:
    """What a model reads of the series now."""
    body = {"feature_service": "detection", "entities": {"series": [SERIES]}}
    answer = shop.post("model", "/api/v1/features/online", body)
    names = answer["metadata"]["feature_names"]
    return {name: found["values"][0] for name, found in zip(names, answer["results"], strict=True)}


def test_a_lesson_goes_the_whole_way(people: People, shop: Installation) -> None:
    robin, sam, kim = people("robin"), people("sam"), people("kim")
    assert online(shop)["direction"] is None
    file_the_review(robin, shop)
    insight, _ = propose(robin)
    expect(robin.get_by_role("main")).to_contain_text("Not served yet")

    approve(sam, insight, (5, 4, 3, 5))
    expect(sam.get_by_role("main")).to_contain_text("Not served yet")
    approve(kim, insight, (4, 4, 2, 4))
    expect(kim.get_by_role("region", name="Marks by rater")).to_contain_text("Sam Ito")

    kim.get_by_role("link", name=re.compile("since release")).click()
    kim.wait_for_url(re.compile(r"/releases/\d+$"))
    number = int(kim.url.rsplit("/", 1)[1])
    expect(kim.get_by_role("region", name=re.compile("What changed"))).to_contain_text(SERIES)
    expect(kim.get_by_role("region", name="Insights in force")).to_contain_text(TITLE)
    reload_until(kim, kim.get_by_text("Active", exact=True))
    value = online(shop)
    assert (value["direction"], value["release"], value["status"]) == ("down", number, "active")

    action = act(robin, insight)
    verdict = robin.get_by_role("region", name="Did it help?")
    expect(verdict.get_by_role("link", name="The replay, series by series")).to_be_visible(
        timeout=MEASURED_MS
    )
    expect(verdict.locator(".callout-title")).to_have_text(OUTCOMES)
    said = verdict.locator(".callout-title").inner_text()
    expect(verdict).to_contain_text(re.compile(r"\d+ false alarms without the insight, \d+ with it"))

    (judged,) = shop.get("operator", f"/api/v1/actions/{action}/verdicts")["items"]
    whole_way(robin, insight, number, said, judged)


def reload_until(page: Page, sight: Locator) -> None:
    """The worker publishes in its own time; a person would reload."""
    page.wait_for_load_state("networkidle")
    for _ in range(30):
        if sight.is_visible():
            return
        with page.expect_response(lambda reply: reply.url == page.url):
            page.reload()
        page.wait_for_load_state("networkidle")
    expect(sight).to_be_visible()


def act(page: Page, insight: int) -> int:
    """Open an action on the insight from its page, and mark it as done; its number."""
    page.goto(f"/insights/{insight}")
    page.get_by_role("link", name="Add an action item for this insight").click()
    page.get_by_label("What is to be done").fill(ACTION)
    me = page.get_by_label("Owner").get_by_role("option", name=re.compile("robin", re.IGNORECASE))
    page.get_by_label("Owner").select_option(me.get_attribute("value"))
    page.get_by_label("Due").fill((datetime.now(UTC) + timedelta(days=3)).date().isoformat())
    expect(page.get_by_label("Insight")).to_have_value(str(insight))
    page.get_by_label("Measured by").select_option("false_alarms_per_day")
    page.get_by_label("Should go").select_option("down")
    page.get_by_role("button", name="Open the action").click()
    page.wait_for_url(re.compile(r"/actions/\d+$"))
    page.get_by_role("button", name="Mark as done").click()
    expect(page.get_by_role("heading", name="Not finished after all?")).to_be_visible()
    return int(page.url.rsplit("/", 1)[1])


def whole_way(page: Page, insight: int, release: int, said: str, verdict: dict[str, Any]) -> None:
    """One page shows every station, with the numbers that the API has of the verdict."""
    page.goto(f"/lessons/{insight}")
    main = page.get_by_role("main")
    for words in (INCIDENT, SEEN, CHANGE, TITLE, f"Release {release}", "Sam Ito", "Kim Osei", ACTION):
        expect(main).to_contain_text(words)
    outcome = said.split(":", maxsplit=1)[0]
    assert outcome.lower().replace(" ", "_") == verdict["verdict"]
    expect(page.locator("#effect")).to_contain_text(outcome)
    alarms = verdict["report"]["false_alarms"]
    expect(page.locator(".stats").first).to_contain_text(
        re.compile(
            rf"False alarms without it\s*{alarms['before']}\b.*False alarms with it\s*{alarms['after']}\b",
            re.DOTALL,
        )
    )
