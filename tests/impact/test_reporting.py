"""Verdicts together: adjusted p, the command, the report's page and API, what it would take."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role
from apps.actions import services
from apps.actions.models import Metric
from apps.impact import needed, reporting, saving
from apps.impact.models import Verdict
from apps.insights.models import Finding
from tests.actions.making import opened, somebody
from tests.people import api_of
from tests.reading import signed_in

from . import field_making, making

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("impact", *arguments, stdout=out)
    return out.getvalue()


def verdict(**changes: Any) -> Verdict:
    """A verdict of the field as one was kept, on an action of its own."""
    action = field_making.done(f"shop{Verdict.objects.count()}")
    days = {"incidents": 40, "days": 84.0}
    given: dict[str, Any] = {
        "action": action,
        "evidence": "field",
        "request": f"{action.pk}:1",
        "turn": 1,
        "metric": "incident_count",
        "method": "difference in differences",
        "n": 80,
        "excluded": 0,
        "effect": -1.0,
        "low": -1.5,
        "high": -0.5,
        "p": 0.01,
        "verdict": "improved",
        "reason": "The change is larger than chance explains",
        "report": {
            "services": ["checkout"],
            "windows": {"before": ["2026-01-01", "2026-03-01"], "after": ["2026-04-01", "2026-06-01"]},
            "trigger": "incident 1",
            "complete": True,
            "before": days,
            "after": days,
            "controls": [],
            "incidents": {"before": [], "after": []},
            "excluded": {},
        },
        "split_hash": "0" * 64,
        "data_hash": "1" * 64,
        "code": "abc",
        "seconds": 0.1,
    }
    return Verdict.objects.create(**{**given, **changes})


def test_p_is_adjusted_over_all_that_are_shown_together() -> None:
    rows = [(1, "improved", 0.01), (2, "improved", 0.04), (3, "no_evidence", 0.5), (4, "worse", 0.04)]
    found = reporting.adjust([*rows, (5, "too_few_data", None)])
    assert [found[pk].p for pk in range(1, 6)] == [
        pytest.approx(0.04),
        pytest.approx(0.16 / 3),
        pytest.approx(0.5),
        pytest.approx(0.16 / 3),
        None,
    ]
    assert [found[pk].verdict for pk in range(1, 6)] == [
        "improved",
        "no_evidence",
        "no_evidence",
        "no_evidence",
        "too_few_data",
    ]
    assert {one.among for one in found.values()} == {4}
    assert reporting.adjust([]) == {}


def test_a_report_takes_back_what_chance_explains_and_keeps_the_row() -> None:
    lucky = verdict(p=0.04)
    for _ in range(3):
        verdict(p=0.9, verdict="no_evidence")
    adjusted = reporting.of(lucky)
    assert adjusted.verdict == "no_evidence"
    assert adjusted.p == pytest.approx(0.16)
    told = json.loads(said(str(lucky.action_id), "--json"))
    assert (told["verdict"], told["verdict_alone"]) == ("no_evidence", "improved")
    assert told["p_adjusted"] == pytest.approx(0.16)
    assert "among 4 verdicts" in told["reason"]
    assert Verdict.objects.get(pk=lucky.pk).verdict == "improved"


def test_the_command_measures_once_and_prints_what_it_rests_on() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    insight = making.lesson(making.SHORT_BURSTS)
    action = making.finished(insight)
    found = json.loads(said(str(action.pk), "--json"))
    assert found.keys() >= {
        *("action", "evidence", "metric", "method", "n", "excluded", "controls", "effect", "interval", "p"),
        *("p_adjusted", "minimum_detectable_effect", "power", "verdict", "reason", "split_hash"),
        *("data_hash", "code", "looks"),
    }
    assert (found["action"], found["evidence"], found["looks"]) == (action.pk, "replay", 1)
    assert found["verdict"] == "improved"
    assert found["controls"] is None
    assert found["excluded"]["total"] == sum(found["excluded"]["by_reason"].values())
    assert found["interval"][0] < found["effect"] < found["interval"][1] < 0
    assert json.loads(said(str(action.pk), "--json")) == found
    assert making.measured(action).look == 1  # the worker finds its request answered
    again = json.loads(said(str(action.pk), "--again", "--json"))
    assert again["looks"] == 2
    assert again["p"] == pytest.approx(min(1, 2 * found["p"]), abs=1e-9)
    words = said(str(action.pk))
    assert "Improved" in words
    assert "95 % interval" in words
    finding = Finding.objects.filter(insight=insight, source="verdict").first()
    assert finding is not None
    assert finding.outcome == "improved"


@pytest.mark.parametrize("asked", [["999999"], ["999999", "--json"]])
def test_the_command_says_what_is_unknown(asked: list[str]) -> None:
    with pytest.raises(CommandError, match="There is no action 999999"):
        said(*asked)


def test_the_command_says_why_it_cannot_measure() -> None:
    action = opened()
    with pytest.raises(CommandError, match="is open: it is measured once it is done"):
        said(str(action.pk))
    services.mark_done(action_id=action.pk, actor=action.owner)
    with pytest.raises(CommandError, match="has no criterion"):
        said(str(action.pk))
    assert not Verdict.objects.exists()


def test_the_report_keeps_replay_and_field_apart() -> None:
    making.shop(making.QUEUE_SERIES)
    replayed = making.measured(making.finished(making.lesson(making.QUEUE)))
    seen = verdict()
    client = signed_in(somebody(Role.VIEWER))
    page = " ".join(client.get("/impact").content.decode().split())
    by_replay, in_field = page.split('id="field-title"')
    assert replayed.action.title in by_replay
    assert seen.action.title in in_field
    assert seen.action.title not in by_replay
    # By the hour its four bursts fall on three days (UTC) or four.
    assert re.search(r"To tell, it takes about [89] more service-days that differ", by_replay)
    for kind, wanted in (("replay", replayed), ("field", seen)):
        one = client.get(f"/impact?evidence={kind}").content.decode()
        assert f"/verdicts/{wanted.pk}" in one
        api = api_of(somebody(), "actions:read").send("GET", f"/api/v1/impact?evidence={kind}")
        assert [item["verdict_id"] for item in api.json()["items"]] == [wanted.pk]
        assert {item["evidence"] for item in api.json()["items"]} == {kind}
    assert client.get("/impact?evidence=both").status_code == 404
    refused = api_of(somebody(), "actions:read").send("GET", "/api/v1/impact?evidence=both")
    assert refused.json()["code"] == "invalid_input"
    assert "The weeks before and after" in client.get(f"/verdicts/{seen.pk}").content.decode()


def test_the_report_costs_the_same_however_long_it_is() -> None:
    client = signed_in(somebody(Role.VIEWER))
    verdict()
    client.get("/impact")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as context:
            assert client.get("/impact").status_code == 200
        counts.append(len(context))
        for _ in range(4):
            verdict()
            field_making.done(f"waiting{Verdict.objects.count()}")
    assert counts[0] == counts[1]


def test_an_empty_report_says_what_fills_it() -> None:
    page = signed_in(somebody(Role.VIEWER)).get("/impact").content.decode()
    assert "Nothing measured yet" in page
    assert "Known once a served lesson was measured" in page


def test_minutes_saved_come_with_an_interval() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    kept = making.measured(making.finished(making.lesson(making.SHORT_BURSTS)))
    (found,) = saving.by_objective()
    report = kept.report
    worth = report["false_alarms"]["before"] / report["longest_days"] * 30 * 15
    assert kept.effect is not None
    assert kept.high is not None
    assert found.minutes == pytest.approx(worth * (1 - math.exp(kept.effect)))
    assert found.low == pytest.approx(worth * (1 - math.exp(kept.high)))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.minutes < found.high
    page = signed_in(somebody(Role.VIEWER)).get("/impact").content.decode()
    assert "Minutes in 30 days" in page


@pytest.mark.parametrize(
    ("metric", "n", "detectable", "declared", "wanted"),
    [
        (Metric.FALSE_ALARMS, 4, None, 0.5, 12),
        (Metric.RECALL, 30, 0.2, 0.1, 120),
        (Metric.RECALL, 30, 0.1, 0.2, 30),
        (Metric.TIME_TO_RESOLVE, 40, 0.75, 0.5, 160),  # ln 4 is twice ln 2, so four times as many
        (Metric.SEVERITY, 5, None, None, 20),
    ],
)
def test_what_it_takes_grows_with_the_square(
    metric: Metric, n: int, detectable: float | None, declared: float | None, wanted: int
) -> None:
    assert needed.total_needed(metric, n, detectable, declared) == wanted
