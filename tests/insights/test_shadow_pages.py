"""The pages and the API of shadow runs, and the life cycle on the insight's page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.models import Role
from apps.catalog import services as catalog
from apps.insights import services, stopping
from apps.insights.models import Insight, ShadowRun
from tests.insights.making import WHY, approve, person, propose
from tests.insights.streams import LATENCY, midnight, stream
from tests.insights.test_shadow import DAYS, after, begin, lesson, live
from tests.people import api_of
from tests.reading import queries, signed_in, text_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]

DAY = timedelta(days=1)


def plan(**changes: str) -> dict[str, str]:
    return {
        "revision": "1",
        "hypothesis": "Bursts that pass by themselves wake nobody.",
        "metric": "false_alarms_per_day",
        "smallest_effect": "50",
        "starts_at": "",
        "ends_at": f"{timezone.now() + 20 * DAY:%Y-%m-%dT%H:%M}",
        "override_reason": WHY,
        **changes,
    }


def test_a_reviewer_starts_one_sees_it_and_stops_it():
    insight, reviewer = lesson(), person(Role.REVIEWER)
    browser = signed_in(reviewer)
    assert "Nothing was tried yet" in text_of(browser.get(f"/insights/{insight.pk}/shadow"))
    shown = text_of(browser.post(f"/insights/{insight.pk}/shadow/start", plan(), follow=True))
    for words in ("Registered and frozen", "Bursts that pass", "judged at its planned end", "at least 50 %"):
        assert words in shown
    run = ShadowRun.objects.get()
    assert (run.smallest_effect, run.started_by) == (0.5, reviewer)
    assert "Shadow: going on" in text_of(browser.get(f"/insights/{insight.pk}/life-cycle"))
    assert "in shadow" in text_of(signed_in(person(Role.OPERATOR)).get("/queue"))
    assert "Stop the run" in text_of(browser.get(f"/insights/{insight.pk}/shadow"))
    shown = text_of(browser.post(f"/insights/{insight.pk}/shadow/stop", {"reason": "A sale."}, follow=True))
    assert "Stopped, so it is not judged" in shown
    assert "A sale." in shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hypothesis": ""}, "This field is required."),
        ({"hypothesis": "…"}, "Write what it is to show."),
        ({"metric": "severity"}, "Select a valid choice."),
        ({"smallest_effect": "0"}, "greater than or equal to 1"),
        ({"smallest_effect": "most"}, "Enter a whole number."),
        ({"ends_at": ""}, "This field is required."),
        ({"ends_at": "soon"}, "This is no time."),
        ({"ends_at": "2020-01-01T00:00"}, "A run takes 1 to 180 days."),
        ({"starts_at": "2020-01-01T00:00"}, "It starts now, or within 30 days."),
        ({"override_reason": ""}, "This field is required."),
        ({"revision": "2"}, "you decided on 2"),
    ],
)
def test_a_bad_plan_is_refused_at_its_field_and_kept(change, message):
    insight = lesson()
    sent = plan(**change)
    answer = signed_in(person(Role.REVIEWER)).post(f"/insights/{insight.pk}/shadow/start", sent)
    if "revision" in change:  # no field of the page shows it: a message does
        assert answer.status_code in {302, 422}
    else:
        assert answer.status_code == 422
        assert message in text_of(answer)
        assert sent["hypothesis"] in answer.content.decode()
    assert not ShadowRun.objects.exists()
    assert Insight.objects.get().state == "proposed"


def test_a_protected_window_is_named_at_the_field_with_the_next_free_moment():
    now = timezone.now()
    stream(LATENCY, midnight(now), 1)
    catalog.add_window(
        service="checkout",
        start_at=now - DAY,
        end_at=now + 2 * DAY,
        reason="Christmas sale",
        actor=person(Role.OPERATOR),
    )
    insight = lesson()
    answer = signed_in(person(Role.REVIEWER)).post(f"/insights/{insight.pk}/shadow/start", plan())
    shown = text_of(answer)
    assert answer.status_code == 422
    assert "protected window of checkout: Christmas sale" in shown
    assert f"The next free moment is {now + 2 * DAY:%Y-%m-%d %H:%M}" in shown


def test_an_author_and_a_responder_read_why_they_may_not():
    author = person(Role.REVIEWER)
    insight = lesson(author=author)
    assert "You wrote this insight" in text_of(signed_in(author).get(f"/insights/{insight.pk}/shadow"))
    responder = signed_in(person(Role.RESPONDER))
    assert "Reviewers and operators judge" in text_of(responder.get(f"/insights/{insight.pk}/shadow"))
    assert responder.post(f"/insights/{insight.pk}/shadow/start", plan()).status_code == 403
    assert not ShadowRun.objects.exists()


def test_a_finished_run_shows_its_finding_days_and_pause():
    live()
    insight = lesson()
    run = begin(insight)
    browser = signed_in(person(Role.REVIEWER))
    after(run, 4)
    few = queries(browser, f"/insights/{insight.pk}/shadow")
    after(run, DAYS + 1.1)
    assert queries(browser, f"/insights/{insight.pk}/shadow") <= few
    shown = text_of(browser.get(f"/insights/{insight.pk}/shadow"))
    for words in (
        "Improved",
        "Effect \N{MINUS SIGN}",
        "95 % interval",
        "days read",
        "hold-out incidents are not",
    ):
        assert words in shown
    catalog.add_window(
        start_at=timezone.now() - DAY,
        end_at=timezone.now() + DAY,
        reason="Freeze",
        actor=person(Role.OPERATOR),
    )
    other = lesson()
    with pytest.raises(Exception, match="protected"):
        begin(other)


@pytest.mark.parametrize("ended", ["withdrawn", "expired", "no"])
def test_the_life_cycle_tells_every_step_with_times_and_people(ended):
    reviewer, operator = person(Role.REVIEWER), person(Role.OPERATOR)
    insight = propose(expires_at=timezone.now() + DAY)
    approve(insight, reviewer, operator)
    if ended == "withdrawn":
        services.withdraw_insight(insight_id=insight.pk, actor=reviewer, reason="It hid an incident.")
    if ended == "expired":
        with time_machine.travel(timezone.now() + 2 * DAY):
            assert stopping.expire_insights() == 1
    shown = text_of(signed_in(person()).get(f"/insights/{insight.pk}/life-cycle"))
    wanted = {
        "withdrawn": [f"Withdrawn · {reviewer.username}", "It hid an incident. Release 2 serves it no more."],
        "expired": ["Expired · clock", "Release 2 serves it no more."],
        "no": ["Expires", "The prospective test watches it daily"],
    }[ended]
    for words in (
        "Proposed", insight.author.name, "Gate: impossible", "Let through by", WHY, "Shadow: not tried",
        "Active", f"{reviewer.name}, {operator.name}", "Served since release 1.", *wanted,
    ):  # fmt: skip
        assert words in shown, words


def test_the_card_leads_to_life_cycle_shadow_and_prospective_test():
    insight = approve(lesson())
    page = signed_in(person()).get(f"/insights/{insight.pk}").content.decode()
    for address in ("life-cycle", "shadow", "watch"):
        assert f"/insights/{insight.pk}/{address}" in page


def test_the_api_registers_lists_reads_and_stops():
    live(6)
    insight, reviewer = lesson(), person(Role.REVIEWER)
    api = api_of(reviewer)
    body: dict[str, Any] = {
        "revision": 1,
        "hypothesis": "Bursts wake nobody.",
        "metric": "false_alarms_per_day",
        "smallest_effect": 0.5,
        "ends_at": f"{timezone.now() + 20 * DAY:%Y-%m-%dT%H:%M:%SZ}",
        "override_reason": WHY,
    }
    path = f"/api/v1/insights/{insight.pk}/shadow-runs"
    refused = api.send("POST", path, {**body, "smallest_effect": 1.5})
    assert (refused.status_code, refused.json()["field"]) == (422, "smallest_effect")
    started = api.send("POST", path, body, key="one")
    assert started.status_code == 201, started.content
    assert api.send("POST", path, body, key="one").json() == started.json()
    assert api.send("POST", path, body).json()["code"] == "shadow_running"
    assert api.get(f"/api/v1/insights/{insight.pk}").json()["state"] == "shadow"
    run = ShadowRun.objects.get()
    after(run, 4)
    readings = api.get(f"/api/v1/shadow-runs/{run.pk}/readings").json()["items"]
    assert len(readings) == run.readings.count() > 0
    stopped = api.send("POST", f"{path}/stop", {"reason": "A sale."}).json()
    assert (stopped["ending"], stopped["outcome"]) == ("stopped", "")
    assert api.get(path).json()["items"] == [stopped]
    assert api.send("POST", f"{path}/stop", {"reason": "Again."}).json()["code"] == "no_shadow_run"
    assert api.get("/api/v1/shadow-runs/999999/readings").status_code == 404
