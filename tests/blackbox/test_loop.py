"""The whole loop from outside: a real installation, a stock Feast client in an environment of its own."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.blackbox.installation import Installation, folder, installed
from tests.blackbox.story import WHY, approve, propose, served
from tests.features import stock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.api, pytest.mark.xdist_group("blackbox"), pytest.mark.timeout(600)]

PROBE = Path(__file__).with_name("client_probe.py")


@pytest.fixture(scope="module")
def place() -> Iterator[Installation]:
    with installed() as running:
        yield running


class Client:
    """The stock client: its folder as downloaded, its commands run in its own interpreter."""

    def __init__(self, place: Installation, python: Path) -> None:
        self.place, self.python = place, python
        self.home = folder()
        self.download()

    def download(self) -> None:
        reply = self.place.call("model", "GET", "/api/v1/features/client.zip")
        assert reply.status_code == 200, reply.text
        zipfile.ZipFile(io.BytesIO(reply.content)).extractall(self.home)

    @property
    def folder(self) -> Path:
        return next(self.home.rglob("feature_store.yaml")).parent

    def run(self, *commands: list[Any]) -> list[Any]:
        full = [[name, arguments, {}] for name, *arguments in commands]
        done = subprocess.run(
            [str(self.python), str(PROBE), str(self.folder), self.place.url],
            input=json.dumps(full),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={
                "AFTERCAST_TOKEN": self.place.tokens["model"],
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
            },
        )
        assert done.returncode == 0, done.stderr[-3000:]
        results: list[Any] = json.loads(done.stdout.splitlines()[-1])
        return results


@pytest.fixture(scope="module")
def client(place: Installation) -> Iterator[Client]:
    found = Client(place, stock.python())
    yield found
    shutil.rmtree(found.home)


def just_before(moment: str) -> str:
    return (datetime.fromisoformat(moment) - timedelta(microseconds=1)).isoformat()


def test_health_names_every_part(place):
    found = place.session.get(place.url + "/healthz", timeout=10).json()
    assert found["status"] == "ok"
    assert {name: found[name]["ok"] for name in ("database", "worker", "broker", "feast")} == dict.fromkeys(
        ("database", "worker", "broker", "feast"), True
    )


def test_an_approval_is_online_within_ten_seconds_and_history_is_exact(place, client):
    series = "cart/errors"
    insight = propose(place, series, scale=1.5)
    started = time.monotonic()
    approved = approve(place, insight)
    release = served(place, approved["release"])
    assert time.monotonic() - started < 10
    known_at = release["known_at"]
    assert known_at.endswith("Z")
    assert len(known_at.partition(".")[2]) == len("123456Z")

    online, at, before = client.run(
        ["online", "detection", [series]],
        ["historical", "detection", [[series, known_at]]],
        ["historical", "detection", [[series, just_before(known_at)]]],
    )
    assert (online[0]["theta_log2"], online[0]["release"], online[0]["status"]) == (
        1.5,
        release["number"],
        "active",
    )
    assert online[0]["known_at_iso"] == known_at
    assert (at[0]["theta_log2"], at[0]["release"]) == (1.5, release["number"])
    assert (before[0]["theta_log2"], before[0]["release"]) == (None, None)


def test_a_pinned_release_keeps_the_old_value_and_a_withdrawal_is_seen_everywhere(place, client):
    series = "search/cache_hit_ratio"
    first = approve(place, propose(place, series, scale=0.5))
    number = first["release"]
    served(place, number)
    place.post("operator", f"/api/v1/releases/{number}/pin", {})
    changed = place.post(
        "responder",
        f"/api/v1/insights/{first['id']}/revise",
        {"signals": [{"kind": "theta_scale", "value": 2.0}]},
    )
    second = approve(place, changed)
    served(place, second["release"])
    client.download()
    now, pinned = client.run(["online", "detection", [series]], ["online", f"detection__r{number}", [series]])
    assert (now[0]["theta_log2"], pinned[0]["theta_log2"]) == (2.0, 0.5)

    place.post("operator", f"/api/v1/insights/{first['id']}/withdraw", {"reason": "It hid an incident."})
    newest = place.get("operator", "/api/v1/releases?limit=1")["items"][0]
    withdrawn = served(place, newest["number"])
    now, pinned, at, before = client.run(
        ["online", "detection", [series]],
        ["online", f"detection__r{number}", [series]],
        ["historical", "detection", [[series, withdrawn["known_at"]]]],
        ["historical", "detection", [[series, just_before(withdrawn["known_at"])]]],
    )
    assert (now[0]["status"], now[0]["theta_log2"]) == ("withdrawn", None)
    assert pinned[0]["theta_log2"] == 0.5
    assert (at[0]["status"], at[0]["theta_log2"]) == ("withdrawn", None)
    assert before[0]["theta_log2"] == 2.0

    back = place.post(
        "operator", f"/api/v1/releases/{second['release']}/revert", {"reason": "It was right after all."}
    )
    assert back["number"] > newest["number"]
    reverted = served(place, back["number"])
    assert reverted["digest"] == place.get("operator", f"/api/v1/releases/{second['release']}")["digest"]
    (now,) = client.run(["online", "detection", [series]])
    assert (now[0]["theta_log2"], now[0]["status"], now[0]["release"]) == (2.0, "active", back["number"])

    place.post("operator", f"/api/v1/releases/{number}/unpin", {})
    (error,) = client.run(["failure", f"detection_profile__r{number}:theta_log2", [series]])
    assert "NotFound" in error


def test_a_served_value_leads_back_to_the_lines_of_its_source(place):
    series = "payments/declines"
    insight = propose(place, series)
    release = approve(place, insight)["release"]
    lineage = place.get("model", f"/api/v1/features/lineage?series={series}&release={release}")
    source = next(iter(find(lineage, "sha256")))
    assert source["insight"] == insight["id"]
    assert source["revision"] == 1
    assert source["lines"] == [3, 3]
    assert source["excerpt"] == "We should alarm later on this series."
    document = int(source["document"].removeprefix("postmortem:"))
    assert place.get("model", f"/api/v1/postmortems/{document}")["sha256"] == source["sha256"]


def find(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """Every object with the key, at any depth."""
    if isinstance(value, dict):
        if key in value:
            yield value
        for inner in value.values():
            yield from find(inner, key)
    if isinstance(value, list):
        for inner in value:
            yield from find(inner, key)


def test_a_cautious_consumer_never_gets_less_than_it_asked_for(place):
    series = "shipping/queue_length"
    served(place, approve(place, propose(place, series, confidence=0.9))["release"])  # 0.45 by override
    body = {"feature_service": "detection", "entities": {"series": [series]}}
    bold = place.post("model", "/api/v1/features/online", body)
    cautious = place.post("model", "/api/v1/features/online", body | {"min_confidence": 0.8})
    assert value(bold, "theta_log2") == 1.0
    assert value(cautious, "theta_log2") is None


def value(answer: dict[str, Any], name: str) -> Any:
    return answer["results"][answer["metadata"]["feature_names"].index(name)]["values"][0]


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(place):
    body = {"title": "Once", "service": "cart", "narrative": "A line."}
    one = place.call("responder", "POST", "/api/v1/postmortems", body, key="key-1")
    two = place.call("responder", "POST", "/api/v1/postmortems", body, key="key-1")
    other = place.call("responder", "POST", "/api/v1/postmortems", body | {"title": "Twice"}, key="key-1")
    assert (one.status_code, one.json()) == (two.status_code, two.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_approvals_that_the_rule_forbids_say_so(place):
    insight = place.post("reviewer", "/api/v1/insights", draft_by_reviewer(place))
    path = f"/api/v1/insights/{insight['id']}/approve"
    yes = {"revision": 1, "override_reason": WHY}
    refusals = [
        place.call("reviewer", "POST", path, yes),
        place.call("responder", "POST", path, yes),
        place.call("operator", "POST", path, {"revision": 2}),
        place.call("operator", "POST", path, {"revision": 1}),
    ]
    assert [reply.json()["code"] for reply in refusals] == [
        "self_approval",
        "role_required",
        "revision_changed",
        "gate_required",
    ]
    assert refusals[3].json()["field"] == "override_reason"
    place.post("operator", f"/api/v1/insights/{insight['id']}/withdraw", {"reason": "No."})
    assert place.call("operator", "POST", path, yes).json()["code"] == "insight_withdrawn"


def draft_by_reviewer(place: Installation) -> dict[str, Any]:
    postmortem = place.post(
        "reviewer", "/api/v1/postmortems", {"title": "T", "service": "cart", "narrative": "One."}
    )
    return {
        "title": "Mine",
        "recommendation": "Later.",
        "scope": {"series": ["cart/latency"]},
        "confidence": 0.7,
        "provenance": {"postmortem": postmortem["id"], "lines": [1, 1]},
        "signals": [{"kind": "direction", "value": "up"}],
    }
