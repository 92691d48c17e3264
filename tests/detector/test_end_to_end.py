"""The detector as its users run it: a process of its own, the stock Feast SDK, a live server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apps.accounts.models import Role
from apps.accounts.people import create_person
from apps.accounts.tokens import issue
from apps.alerts.models import Alarm
from apps.detector import cli
from apps.features import pinning
from apps.features.models import Pin
from apps.telemetry import services
from apps.telemetry.sources import read_csv
from tests.features.conftest import feast  # noqa: F401  # the fixture of the room that serves
from tests.features.support import serve

if TYPE_CHECKING:
    from pytest_django.live_server_helper import LiveServer

pytestmark = [pytest.mark.api, pytest.mark.usefixtures("feast")]

CHECKOUT = Path(__file__).resolve().parents[2]
SERIES = "shop/latency"
SPIKE = [f"1970-01-06T05:{minute:02d}:00.000000Z" for minute in range(0, 30, 5)]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """Two weeks every five minutes around 100, with a spike of half an hour to 180."""
    values = 100 + np.random.default_rng(1).normal(0, 1, 4032)
    values[1500:1506] += 80
    path = tmp_path / "series" / "shop" / "latency.csv"
    path.parent.mkdir(parents=True)
    rows = "".join(f"{row * 300},{value:.3f}\n" for row, value in enumerate(values))
    path.write_text(f"timestamp,value\n{rows}")
    return path


@dataclass
class Done:
    code: int
    out: str
    err: str


class Detector:
    """The command: in this process, which has Feast loaded already, or in one of its own."""

    def __init__(self, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.options = ["--url", url, "--folder", str(folder), "--json"]
        self.capsys = capsys

    def run(self, *arguments: str) -> Done:
        self.capsys.readouterr()
        code = cli.main([*self.options, *arguments])
        return Done(code, *self.capsys.readouterr())

    def run_alone(self, *arguments: str) -> Done:
        # -O: Feast is imported three times as fast, and the detector must not rest on assertions.
        command = [sys.executable, "-O", "-m", "apps.detector", *self.options, *arguments]
        environment = {name: os.environ[name] for name in ("PATH", "AFTERCAST_TOKEN")}
        done = subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def outcome(self, *arguments: str) -> dict[str, Any]:
        done = self.run(*arguments)
        assert done.code == 0, done.err
        found: dict[str, Any] = json.loads(done.out)
        return found


@pytest.fixture
def detector(live_server: LiveServer, settings, tmp_path: Path, monkeypatch, capsys) -> Detector:
    settings.PUBLIC_URL = live_server.url
    person = create_person(username="detector", email="d@shop.example", roles=[Role.VIEWER], is_service=True)
    scopes = ["features:read", "alerts:write", "telemetry:read"]
    token = issue(user=person, name="t", scopes=scopes, expires_in=timedelta(hours=1))
    monkeypatch.setenv("AFTERCAST_TOKEN", token)
    return Detector(live_server.url, tmp_path / "client", capsys)


def times(release: int | None) -> list[str]:
    alarms = Alarm.objects.filter(series=SERIES, release=release).order_by("at")
    return [alarm.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ") for alarm in alarms]


def test_what_is_served_decides_the_alarms_and_they_come_back(detector, csv):
    # Nothing released yet: the default setting finds the spike from its second sample on.
    first = detector.outcome("--fetch", "--series", str(csv))
    assert [(found["series"], found["status"], found["release"]) for found in first["series"]] == [
        (SERIES, None, None)
    ]
    assert first["reported"] == {"added": first["alarms"], "same": 0}
    assert set(SPIKE[1:]) <= set(times(None))

    # A lesson says that the spike is harmless: only a level above 1000 is worth an alarm.
    serve({SERIES: {"theta_log2": 3.0, "min_abs": 500.0}})
    release = serve({SERIES: {"theta_log2": 3.0, "min_abs": 500.0, "hard_hi": 178.0}})
    done = detector.run_alone("--series", str(csv.parents[1]))
    assert done.code == 0, done.err
    found = json.loads(done.out)["series"][0]
    assert (found["status"], found["release"], found["version"]) == ("active", 2, 2)
    assert found["known_at"] == release.known_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (found["setting"]["hard_hi"], found["setting"]["min_abs"]) == (178.0, 500.0)
    assert times(2) == SPIKE
    assert (
        f"scored series={SERIES} status=active release=2 version=2 known_at={found['known_at']}" in done.err
    )

    # The same again adds nothing; a dry run reports nothing; withdrawn falls back to the default.
    assert detector.outcome("--series", str(csv))["reported"] == {"added": 6, "same": 0}  # the stored answer
    assert Alarm.objects.filter(release=2).count() == 6
    serve({SERIES: None}, kind="withdraw")
    dry = detector.outcome("--series", str(csv), "--dry-run")
    assert (dry["series"][0]["status"], dry["reported"], dry["alarms"]) == (
        "withdrawn",
        None,
        first["alarms"],
    )
    assert Alarm.objects.filter(release=3).count() == 0


def test_a_pinned_release_and_the_samples_of_the_server_are_used(detector, csv):
    services.import_series(reading=read_csv(csv))
    serve({SERIES: {"hard_hi": 178.0, "min_abs": 500.0}})
    serve({SERIES: {"min_abs": 500.0}})
    pinned = pinning.pin(number=1, author="omar")
    pinning.converge(key=f"1.{pinned.turn}", payload={})
    assert Pin.objects.get().served_at is not None
    found = detector.outcome("--fetch", "--release", "1", "--since", "1970-01-06T05:10:00Z")
    assert [(row["series"], row["release"], row["samples"]) for row in found["series"]] == [(SERIES, 1, 4032)]
    assert times(1) == SPIKE[2:]
    active = detector.outcome("--series", SERIES)
    assert (active["series"][0]["release"], active["alarms"]) == (2, 0)
    refused = detector.run("--series", SERIES, "--release", "2")
    assert refused.code == 1
    assert "Is release 2 pinned" in refused.err


def test_a_wrong_token_is_told(detector, csv, monkeypatch):
    detector.outcome("--fetch", "--series", str(csv), "--dry-run")
    monkeypatch.setenv("AFTERCAST_TOKEN", "wrong")
    refused = detector.run("--series", str(csv))
    assert refused.code == 1
    assert "token" in refused.err
    assert "Traceback" not in refused.err
    assert Alarm.objects.count() == 0
