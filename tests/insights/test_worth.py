"""Comparing releases by a worker: the API, the panel, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from apps.evaluation.models import Result, Run
from apps.features import releases
from apps.features.usage import uses
from apps.telemetry.reading import from_us
from tests.actions.making import somebody
from tests.impact import making
from tests.insights.test_ablating import SERIES, newest, sums_up, two_lessons
from tests.people import api_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]
HTMX = {"HX-Request": "true"}


def client_of(*roles: str) -> Client:
    client = Client()
    client.force_login(somebody(*roles))
    return client


def text_of(client: Client, path: str, *, htmx: bool = True) -> str:
    answer = client.get(path, headers=HTMX if htmx else None)
    assert answer.status_code == 200, answer.content.decode()
    return " ".join(str(answer.content.decode()).split())


def post(path: str, body: dict[str, Any], *roles: str) -> Any:
    api = api_of(somebody(*(roles or (Role.OPERATOR,))), "insights:write", "insights:read")
    return api.send("POST", path, body)


def imported() -> int:
    """A release without an insight: for what does not need a replay."""
    content = releases.ProfileContent(
        {"min_rel": 1.2}, {"min_rel": {"insight": 1, "revision": 1, "confidence": 0.5}}
    )
    release = releases.append_release(
        kind="import", author="import", reason="", manifest=[], changes={SERIES[0]: content}
    )
    return release.number


def test_asked_over_the_api_a_worker_answers():
    two_lessons()
    release = newest()
    path = f"/api/v1/releases/{release}/ablations"
    asked = post(path, {"against": release - 1})
    assert asked.status_code == 202, asked.json()
    run = asked.json()
    assert (run["state"], run["release"], run["against"]) == ("pending", release, release - 1)
    again = post(path, {"against": release - 1})
    assert again.json()["id"] == run["id"]
    outbox.drain()
    reader = api_of(somebody(), "insights:read")
    found = reader.send("GET", f"{path}/{run['id']}").json()
    assert found["state"] == "measured"
    assert found["done"] == found["total"] == len(SERIES)
    sums_up(found["figures"])
    listed = reader.send("GET", path).json()["items"]
    assert [item["id"] for item in listed] == [run["id"]]
    assert Result.objects.get().figures == found["figures"]
    assert AuditRecord.objects.filter(action="comparison_requested").count() == 1


def test_a_repeated_message_changes_nothing():
    making.shop(SERIES[0])
    release = imported()
    run = post(f"/api/v1/releases/{release}/ablations", {}).json()
    outbox.drain()
    Outbox.objects.filter(kind="insights.ablate").update(state="pending")
    outbox.drain()
    assert Result.objects.count() == 1
    assert Run.objects.get(pk=run["id"]).state == "measured"


def test_a_window_in_the_discovery_is_refused_with_400():
    two_lessons()
    release = newest()
    path = f"/api/v1/releases/{release}/ablations"
    refused = post(path, {"from": "2020-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["code"]) == (400, "holdout_overlap")
    assert refused.json()["field"] == "from"
    assert not Run.objects.exists()
    assert not Outbox.objects.filter(kind="insights.ablate").exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"against": 1}, "against"),
        ({"against": -1}, "against"),
        ({"from": "yesterday"}, "from"),
        ({"from": "2099-01-02T00:00:00Z", "to": "2099-01-01T00:00:00Z"}, "to"),
        ({"split": "x" * 101}, "split"),
    ],
)
def test_what_is_wrong_names_its_field(body, field):
    assert imported() == 1
    refused = post("/api/v1/releases/1/ablations", body)
    assert refused.status_code == 422, refused.json()
    assert refused.json()["field"] == field
    assert not Run.objects.exists()


def test_unknown_releases_and_runs_are_not_found():
    assert post("/api/v1/releases/9/ablations", {}).status_code == 404
    assert imported() == 1
    assert post("/api/v1/releases/1/ablations", {"against": 9}).status_code == 404
    reader = api_of(somebody(), "insights:read")
    assert reader.send("GET", "/api/v1/releases/1/ablations/5").status_code == 404
    assert reader.send("GET", "/api/v1/releases/9/ablations").status_code == 404


def test_what_a_worker_cannot_answer_is_told():
    release = imported()
    client, path = client_of(Role.OPERATOR), f"/releases/{release}/compare/{release + 1}/worth"
    content = releases.ProfileContent({}, {})
    releases.append_release(
        kind="withdraw", author="import", reason="", manifest=[], changes={SERIES[0]: content}
    )
    assert client.post(path).status_code == 302
    outbox.drain()
    told = text_of(client, path)
    assert "Could not be compared" in told
    assert "No series has samples" in told
    assert "Replay both" in told


def test_the_panel_tells_what_each_insight_contributes():
    first, second = two_lessons()
    release = newest()
    uses.count("ranker/token", "detection", release)
    uses.flush()
    path = f"/releases/{release - 1}/compare/{release}/worth"
    client = client_of(Role.REVIEWER)
    empty = text_of(client, path)
    assert "Nobody has replayed these two yet" in empty
    assert "ranker/token" in empty
    assert client.post(path).status_code == 302
    waiting = text_of(client, path)
    assert "Being replayed" in waiting
    assert "every 3s" in waiting
    assert "Replay both" not in waiting
    outbox.drain()
    told = text_of(client, path)
    assert "every 3s" not in told
    for words in (
        "Too few data: 1 service differs; at least 12 are needed to tell.",
        "what it says of the future cannot be told yet",
        "Bursts of payments are short",
        f'href="/insights/{second.pk}"',
        f'href="/insights/{first.pk}"',
        "the same in both",
        "Contribution of each insight",
    ):
        assert words in told
    assert re.search(r"Recall</th>.{0,400} points \(", told)
    whole = text_of(client, path, htmx=False)
    assert "<html" in whole
    assert f"Release {release} beside release {release - 1}" in whole
    side = text_of(client, f"/releases/{release - 1}/compare/{release}")
    assert f'hx-get="{path}"' in side


def test_only_some_may_ask():
    making.shop(SERIES[0])
    release = imported()
    imported()
    path = f"/releases/{release}/compare/{release + 1}/worth"
    viewer = client_of(Role.VIEWER)
    assert "Replay both" not in text_of(viewer, path)
    assert viewer.post(path).status_code == 403
    assert not Run.objects.exists()


def test_the_same_release_twice_is_no_comparison():
    release = imported()
    client = client_of(Role.OPERATOR)
    path = f"/releases/{release}/compare/{release}/worth"
    assert "Replay both<" not in text_of(client, path)
    assert client.post(path, follow=False).status_code == 302
    assert not Run.objects.exists()


def test_reading_takes_as_many_queries_with_many_runs():
    making.shop(SERIES[0])
    release = imported()
    client = client_of(Role.VIEWER)
    path = f"/releases/{release}/compare/{release}/worth"
    counts = []
    for number in range(2):
        with CaptureQueriesContext(
            connection,
        ) as found:
            text_of(client, path)
        counts.append(len(found))
        for _ in range(5 * (1 - number)):
            Run.objects.create(
                kind="ablation",
                subject=f"release:{release} against:{release}",
                question={},
                requested_by="kim",
            )
    assert counts[0] == counts[1]


def test_windows_and_splits_reach_the_worker():
    two_lessons()
    release = newest()
    later_us = 4_000_000_000_000_000  # nobody has samples of 2096
    later = from_us(later_us).isoformat()
    answer = post(f"/api/v1/releases/{release}/ablations", {"from": later, "split": "spring"})
    assert answer.status_code == 202
    outbox.drain()
    run = Run.objects.get()
    assert (run.question["split"], run.question["from_us"]) == ("spring", later_us)
    assert run.state == "failed"
    assert "No series has samples" in run.error
