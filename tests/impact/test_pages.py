from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.actions import services as actions
from apps.audit.models import Outbox
from apps.impact.models import Verdict
from tests.actions.making import opened, somebody
from tests.people import api_of

from . import making

pytestmark = [pytest.mark.page, pytest.mark.django_db]
HTMX = {"HX-Request": "true"}


def client_of(*roles: str) -> Client:
    client = Client()
    client.force_login(somebody(*roles))
    return client


def text_of(client: Client, path: str, **headers: Any) -> str:
    answer = client.get(path, headers=headers.get("headers"))
    assert answer.status_code == 200, answer.content.decode()
    return " ".join(str(answer.content.decode()).split())


def test_the_panel_waits_and_then_tells_the_verdict_in_words() -> None:
    making.shop(making.QUEUE_SERIES)
    action, client = making.finished(making.lesson(making.QUEUE)), client_of(Role.VIEWER)
    path = f"/actions/{action.pk}/verdict"
    waiting = text_of(client, path, headers=HTMX)
    assert "Being measured" in waiting
    assert "every 3s" in waiting
    assert "<html" not in waiting
    making.measured(action)
    told = text_of(client, path, headers=HTMX)
    assert "every 3s" not in told
    # The shop's time ends now: by the hour, two of its four bursts fall on one day (UTC) or on two.
    assert re.search(
        r"Too few data: [34] service-days differ between the two ways; at least 12 are needed to tell\.", told
    )
    assert "held-out days of 1 series" in told
    assert "4 false alarms without the insight, 0 with it" in told
    assert "<html" in text_of(client, path)
    assert "Too few data" in text_of(client, "/actions?who=all")


def test_what_cannot_be_measured_says_why() -> None:
    action, client = opened(), client_of(Role.VIEWER)
    path = f"/actions/{action.pk}/verdict"
    assert "as soon as it is done" in text_of(client, path)
    actions.mark_done(action_id=action.pk, actor=action.owner)
    Outbox.objects.filter(kind="impact.judge_action").update(state="done")
    assert "No insight is linked" in text_of(client, path)
    assert "every 3s" not in text_of(client, path)
    Outbox.objects.filter(kind="impact.judge_action").update(state="dead")
    assert "Could not be measured" in text_of(client, path)


def test_the_replay_is_shown_series_by_series_and_given_as_json() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    insight = making.lesson(making.SHORT_BURSTS)
    verdict, client = making.measured(making.finished(insight)), client_of(Role.VIEWER)
    page = text_of(client, f"/verdicts/{verdict.pk}")
    for name in making.SHORT_BURSTS["scope"]["series"]:
        assert name in page
    assert "Improved" in page
    given = client.get(f"/verdicts/{verdict.pk}.json")
    assert given.json()["report"]["series"].keys() == set(making.SHORT_BURSTS["scope"]["series"])
    assert given.json()["split_hash"] == verdict.split_hash
    api = api_of(somebody(), "actions:read").send("GET", f"/api/v1/actions/{verdict.action_id}/verdicts")
    assert [item["verdict"] for item in api.json()["items"]] == ["improved"]


def test_an_insight_shows_what_was_measured_and_what_is_not_yet() -> None:
    making.shop(making.QUEUE_SERIES)
    insight, client = making.lesson(making.QUEUE), client_of(Role.VIEWER)
    path = f"/insights/{insight.pk}/verdicts"
    assert "It takes an action on it" in text_of(client, path)
    assert "Open an action on it" in text_of(client_of(Role.RESPONDER), path)
    making.measured(making.finished(insight, title="First of two"))
    making.action_on(insight, title="Second of two")
    page = text_of(client, path, headers=HTMX)
    assert "Too few data" in page
    assert "Second of two" in page
    assert "<html" not in page
    assert "<html" in text_of(client, path)


def test_the_panel_of_an_insight_costs_the_same_for_one_action_and_for_six() -> None:
    making.shop(making.QUEUE_SERIES)
    insight, client = making.lesson(making.QUEUE), client_of(Role.VIEWER)
    text_of(client, f"/insights/{insight.pk}/verdicts")  # the frame's first look is dearer
    costs = []
    for more in (1, 5):
        for _ in range(more):
            making.measured(making.finished(insight))
            making.action_on(insight)
        with CaptureQueriesContext(connection) as queries:
            text_of(client, f"/insights/{insight.pk}/verdicts")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_reviewers_may_ask_for_another_look() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    making.measured(action)
    path = f"/actions/{action.pk}/measure-again"
    assert client_of(Role.RESPONDER).post(path).status_code == 403
    assert "Measure again" not in text_of(client_of(Role.VIEWER), f"/actions/{action.pk}/verdict")
    reviewer = client_of(Role.REVIEWER)
    assert "Measure again" in text_of(reviewer, f"/actions/{action.pk}/verdict")
    assert reviewer.post(path).status_code == 302
    making.measured(action)
    assert Verdict.objects.count() == 2
    assert "Earlier measurements" in text_of(reviewer, f"/actions/{action.pk}/verdict")


def test_an_open_action_cannot_be_measured_again() -> None:
    making.shop(making.QUEUE_SERIES)
    action, reviewer = making.action_on(making.lesson(making.QUEUE, served=False)), client_of(Role.REVIEWER)
    answer = reviewer.post(f"/actions/{action.pk}/measure-again", follow=True)
    assert "once it is done" in answer.content.decode() or answer.status_code == 404
    assert not Outbox.objects.filter(kind="impact.judge_action").exists()


def test_what_is_not_there_is_not_found() -> None:
    client = client_of(Role.REVIEWER)
    for path in ("/actions/9999/verdict", "/insights/9999/verdicts", "/verdicts/9999", "/verdicts/9999.json"):
        assert client.get(path).status_code == 404, path
    assert client.post("/actions/9999/measure-again").status_code == 404
