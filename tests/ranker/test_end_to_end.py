"""The ranker against a live server: training at a past moment, evaluation, scoring, and who read what."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from apps.accounts.models import Role
from apps.accounts.people import create_person
from apps.accounts.tokens import issue
from apps.audit import outbox
from apps.common.errors import require
from apps.common.times import iso_us
from apps.features import facts, publication
from apps.features.models import FactRow, FeatureUse, ProfileRow, Release
from apps.ranker import cli, registry
from tests.features.conftest import feast  # noqa: F401  # the fixture of the room that serves
from tests.features.support import source
from tests.ranker.generated import DAYS, START, World, facts_of, series_of, world

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.api, pytest.mark.usefixtures("feast")]

END = START + timedelta(days=DAYS)
SCOPES = ["features:read", "alerts:read"]
CORRECTED = END + timedelta(days=5)


def remember(made: World) -> None:
    """Write what a store would hold that had been kept up to date all along, with past moments."""
    release = Release.objects.create(
        number=1, known_at=START - timedelta(days=2), digest="0" * 64, kind="import", author="a"
    )
    ProfileRow.objects.bulk_create(
        ProfileRow(
            series=series_of(service),
            release=release,
            version=1,
            known_at=release.known_at,
            status="active",
            values={"precision_past": 0.5, "confidence": 0.9},
            sources={"precision_past": source()},
        )
        for service in made.phases
    )
    for service, phases in made.phases.items():
        for version, phase in enumerate(phases, 1):
            FactRow.objects.create(
                view="service_history",
                entity=service,
                version=version,
                known_at=phase.since,
                values=facts_of(fragile=phase.fragile),
            )
        spans = [
            {"start": iso_us(start), "end": iso_us(end), "kind": "incident"}
            for start, end in made.incidents[series_of(service)]
        ]
        # Known at first: everything was harmless. Corrected later, by a new row.
        for version, (known_at, known) in enumerate([(END, []), (CORRECTED, spans)], 1):
            FactRow.objects.create(
                view="incident_label",
                entity=series_of(service),
                version=version,
                known_at=known_at,
                values={"n_incidents": len(known), "n_benign": 0, "intervals_json": json.dumps(known)},
            )


@dataclass
class Ranker:
    common: list[str]
    capsys: pytest.CaptureFixture[str]

    def run(self, verb: str, *more: str) -> tuple[int, Any, str]:
        self.capsys.readouterr()
        code = cli.main([verb, *self.common, "--json", *more])
        out, err = self.capsys.readouterr()
        return code, json.loads(out) if code == 0 else None, err


@pytest.fixture
def ranker(live_server: LiveServer, settings, tmp_path: Path, monkeypatch, capsys) -> Ranker:
    settings.PUBLIC_URL = live_server.url
    person = create_person(username="ranker", email="r@shop.example", roles=[Role.VIEWER], is_service=True)
    token = issue(user=person, name="t", scopes=SCOPES, expires_in=timedelta(hours=1))
    monkeypatch.setenv("AFTERCAST_TOKEN", token)
    made = world(seed=4, services=20, a_day=0.6)
    remember(made)
    with (tmp_path / "alarms.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("series", "at", "score"), *made.alarms])
    common = ["--url", live_server.url, "--registry", str(tmp_path / "models")]
    return Ranker([*common, "--alarms", str(tmp_path / "alarms.csv")], capsys)


def test_a_model_is_trained_promoted_evaluated_and_used(ranker, tmp_path):
    # At the end nobody had said yet what was an incident: a training as of then has nothing to learn.
    code, _, err = ranker.run("train", "--as-of", (CORRECTED - timedelta(days=1)).isoformat())
    assert (code, "became incidents" in err) == (1, True)
    early = (START + timedelta(hours=20)).isoformat()
    code, _, err = ranker.run("train", "--as-of", early)
    assert (code, "There is no alert up to 2025-12-31T20:00" in err) == (1, True)
    code, entry, err = ranker.run("train", "--as-of", (CORRECTED + timedelta(days=1)).isoformat())
    assert code == 0, err
    assert (entry["promoted"], entry["comparison"]["verdict"]) == (True, "improved")
    assert (entry["releases"], entry["champion"], entry["number"]) == ([1], None, 1)
    assert entry["data"]["incidents"] > 100
    assert registry.champion(tmp_path / "models") == entry

    _, found, _ = ranker.run("evaluate")
    precision = found["average_precision"]
    assert precision["fresh"] > precision["frozen"]
    assert precision["fresh"] > precision["score_alone"] > precision["base_rate"] * 0.9
    assert found["fresh_minus_frozen"]["verdict"] == "improved"

    # The same training again is another entry of the same data, split and model, and no better.
    _, again, _ = ranker.run("train", "--as-of", (CORRECTED + timedelta(days=1)).isoformat())
    for key in ("data", "split", "model", "code", "seed", "releases"):
        assert again[key] == entry[key]
    assert (again["promoted"], again["champion"], again["number"]) == (False, entry["id"], 2)


def test_alerts_are_scored_by_what_is_served_now_and_that_is_logged(ranker, tmp_path, caplog):
    caplog.set_level("INFO", logger="aftercast.ranker")
    assert ranker.run("train", "--as-of", (CORRECTED + timedelta(days=1)).isoformat())[1]["promoted"]
    publication.publish(key="1", payload={})
    put = facts.put(view="service_history", entity="svc00", values={"open_actions": 2})
    row = require(put, "the row")
    outbox.drain()
    since = (END - timedelta(days=10)).isoformat()
    code, scored, err = ranker.run("score", "--folder", str(tmp_path / "client"), "--fetch", "--since", since)
    assert code == 0, err
    assert (scored["entry"], scored["ranked_by"]) == (1, "model")
    chances = [one["chance"] for one in scored["alerts"]]
    assert chances == sorted(chances, reverse=True)
    one = next(found for found in scored["alerts"] if found["series"] == "svc00/latency")
    assert (one["release"], one["version"]) == (1, 1)
    assert one["history_known_at"] == iso_us(row.known_at)
    assert f"release=1 version=1 known_at={one['known_at']}" in caplog.text
    uses = set(FeatureUse.objects.filter(consumer="ranker/t").values_list("feature_service", flat=True))
    assert uses == {"detection", "service_history", "incident_label"}


def test_without_a_champion_alerts_are_ranked_by_their_score(ranker, tmp_path):
    since = (END - timedelta(days=5)).isoformat()
    code, scored, err = ranker.run("score", "--folder", str(tmp_path / "client"), "--fetch", "--since", since)
    assert code == 0, err
    assert (scored["entry"], scored["ranked_by"]) == (None, "score alone: no model was promoted")
    scores = [one["score"] for one in scored["alerts"]]
    assert scores == sorted(scores, reverse=True)
