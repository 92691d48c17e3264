"""The suggester with the real SDK against a live server; and three consumers of one feature service (A23)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from apps.accounts.models import Role
from apps.accounts.people import create_person
from apps.accounts.tokens import issue
from apps.audit import outbox
from apps.detector import cli as detector
from apps.features.models import FeatureUse
from apps.features.usage import uses
from apps.postmortems.services import file_review
from apps.ranker import cli as ranker
from apps.root_cause import cli
from tests.features.conftest import feast  # noqa: F401  # the fixture of the room that serves
from tests.features.support import serve
from tests.incidents.making import declare, whole
from tests.people import make_person
from tests.postmortems.making import LABELS, review
from tests.reading import signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.api, pytest.mark.usefixtures("feast")]

SERIES = "checkout/latency_p99"


def token_of(name: str, *scopes: str) -> str:
    person = create_person(username=name, email=f"{name}@x.example", roles=[Role.VIEWER], is_service=True)
    return issue(user=person, name="t", scopes=["features:read", *scopes], expires_in=timedelta(hours=1))


@pytest.fixture
def installation(live_server: LiveServer, settings, tmp_path: Path) -> list[str]:
    """A server that has taught from eight reviews, and the options that every consumer shares."""
    settings.PUBLIC_URL = live_server.url
    ann = make_person("ann", "responder")
    for number in range(8):
        labels = {**LABELS, "failure_mode": ["config_error"], "trigger": ["config_push"]}
        if number % 2:
            labels |= {"failure_mode": ["hardware"], "trigger": ["hardware"], "remediation": ["failover"]}
        made = declare(ann, times=whole())
        file_review(author=ann, **review(incident_id=made.pk, labels=labels))
    serve({SERIES: {"theta_log2": 0.5, "precision_past": 0.25}})
    outbox.drain()
    return ["--url", live_server.url, "--folder", str(tmp_path / "client"), "--fetch", "--json"]


def test_the_suggester_says_how_a_service_failed_and_what_ended_it(installation, monkeypatch, capsys, caplog):
    caplog.set_level("INFO", logger="aftercast.root_cause")
    monkeypatch.setenv("AFTERCAST_TOKEN", token_of("suggester"))
    common = [*installation, "--service", "checkout", "--tier", "tier_1", "--series", SERIES]
    assert cli.main([*common, "--symptom", "trigger:config_push", "--threshold", "0.3"]) == 0
    found = json.loads(capsys.readouterr().out)
    top = found["candidates"][0]
    assert (top["mode"], found["abstained"], found["threshold"]) == ("config_error", False, 0.3)
    assert top["chance"] > top["before"]
    assert "4 of 8 reviews of this service named it" in top["reasons"]
    assert [(one["remediation"], one["attempted"], one["succeeded"]) for one in top["remediations"]] == [
        ("rollback", 4, 4)
    ]
    assert found["notes"][0] == f"25% of the past alarms of {SERIES} were right (release 1)"
    assert "read failure_mode_prior service=checkout version=1 known_at=2" in caplog.text
    assert "read detection series=checkout/latency_p99 version=1 known_at=2" in caplog.text
    # The other symptom turns it; without one it cannot tell the two apart, and abstains.
    assert cli.main([*common, "--symptom", "trigger:hardware"]) == 0
    assert json.loads(capsys.readouterr().out)["candidates"][0]["mode"] == "hardware"
    assert cli.main(common) == 0
    assert json.loads(capsys.readouterr().out)["abstained"] is True
    assert cli.main([*installation, "--service", "nobody"]) == 0
    assert json.loads(capsys.readouterr().out)["candidates"] == []


def test_three_consumers_read_one_feature_service_and_each_is_counted(
    installation, monkeypatch, capsys, tmp_path
):
    folder = tmp_path / "series" / "checkout"
    folder.mkdir(parents=True)
    rows = "".join(f"{row * 300},{100 + row % 7}\n" for row in range(600))
    (folder / "latency_p99.csv").write_text(f"timestamp,value\n{rows}")
    (tmp_path / "alarms.csv").write_text(f"series,at,score\n{SERIES},2026-11-01T00:00:00Z,14\n")
    monkeypatch.setenv("AFTERCAST_TOKEN", token_of("watching", "alerts:write", "telemetry:read"))
    assert detector.main([*installation, "--series", str(tmp_path / "series"), "--dry-run"]) == 0
    monkeypatch.setenv("AFTERCAST_TOKEN", token_of("suggesting"))
    assert cli.main([*installation, "--service", "checkout", "--series", SERIES]) == 0
    monkeypatch.setenv("AFTERCAST_TOKEN", token_of("ranking", "alerts:read"))
    alarms = ["--alarms", str(tmp_path / "alarms.csv"), "--registry", str(tmp_path / "models")]
    assert ranker.main(["score", *installation, *alarms]) == 0
    capsys.readouterr()
    uses.flush()
    counted = FeatureUse.objects.filter(feature_service="detection").order_by("consumer")
    assert [(use.consumer, use.release, use.reads) for use in counted] == [
        ("ranking/t", 1, 1),
        ("suggesting/t", 1, 1),
        ("watching/t", 1, 1),
    ]
    page = signed_in(make_person("vera", "viewer")).get("/consumers").content.decode()
    for name in ("ranking/t", "suggesting/t", "watching/t"):
        assert name in page
    assert "how a service is likely to fail" in page
