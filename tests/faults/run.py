"""One crash run: clients work, processes are killed by -9, and the end state is held against their log."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from apps.features.publication import STEPS
from tests.blackbox.installation import Installation, folder, installed
from tests.faults.clients import Author, Reader, rows
from tests.faults.history import History, violations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AFTER_COMMIT = "api.after_commit"  # the answer is lost, the effect is not
HEAL_S = 60


@dataclass
class Outcome:
    """What a run did and what it broke."""

    kills: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    releases: int = 0
    reads: int = 0
    retries: int = 0

    def histogram(self) -> str:
        """A line per killed thing."""
        width = max(len(name) for name in self.kills)
        lines = [f"  {name:<{width}} {count:>3} {'#' * count}" for name, count in sorted(self.kills.items())]
        summary = f"  releases={self.releases} reads={self.reads} retries={self.retries}"
        return "\n".join(["kill -9 by place", *lines, summary])


def crash_run(
    *, steps: int, web: int, postgres: int, after_commit: int, guard: bool = True, seed: int = 1
) -> Outcome:
    """Kill each publication step `steps` times, web and PostgreSQL `web` and `postgres` times at random.

    `after_commit` counts the web workers killed between commit and answer; `guard` off runs without the
    idempotency guard, which must show as violations.
    """
    armed = folder()
    armed.chmod(0o777)
    extra = {"AFTERCAST_FAILPOINTS": str(armed), "AFTERCAST_IDEMPOTENCY_GUARD": "on" if guard else "off"}
    outcome, history, stop = Outcome(), History(), threading.Event()
    dice = random.Random(seed)  # noqa: S311  # a schedule, not a secret
    with installed(extra) as place:
        before = [release["number"] for release in everything(place, "/api/v1/releases")]
        clients = [Author(place, history, stop, "shop-a"), Author(place, history, stop, "shop-b")]
        readers = [Reader(place, history, stop, "reader")]
        for client in (*clients, *readers):
            client.start()
        for name in [step for step in STEPS for _ in range(steps)]:
            strike(place, armed, name, outcome)
        for _ in range(after_commit):
            strike(place, armed, AFTER_COMMIT, outcome)
        victims = ["web"] * web + ["postgres"] * postgres
        dice.shuffle(victims)
        for victim in victims:
            time.sleep(dice.uniform(0.3, 2.0))
            outcome.kills[victim] += kill(place, victim)
            healthy(place)
        stop.set()
        for client in (*clients, *readers):
            client.join(120)
        healthy(place)
        outcome.violations = violations(history, settled(place, history, before))
        outcome.releases = sum(len(loop.releases) for loop in history.loops)
        outcome.reads, outcome.retries = history.reads, history.retries
    return outcome


def strike(place: Installation, armed: Path, name: str, outcome: Outcome) -> None:
    """Arm one fail-point and wait until somebody died of it."""
    (armed / name).touch()
    deadline = time.monotonic() + HEAL_S
    while (armed / name).exists():
        if time.monotonic() > deadline:
            raise AssertionError(f"nobody reached {name} within {HEAL_S} s")
        time.sleep(0.05)
    outcome.kills[name] += 1
    if name == AFTER_COMMIT:
        healthy(place)


def kill(place: Installation, victim: str) -> int:
    """SIGKILL to the child of that name, and 1 for having done it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(child(place, victim), signal.SIGKILL)
        return 1
    return 0


def child(place: Installation, name: str) -> int:
    """The pid of a child of `up`, as `doctor` names it."""
    report = json.loads(place.manage("doctor", "--json").stdout)
    pids = {entry["name"]: entry["pid"] for entry in report["children"]}
    return int(pids[name])


def healthy(place: Installation) -> None:
    """Wait until /healthz says so."""
    deadline = time.monotonic() + HEAL_S
    last = ""
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            reply = requests.get(place.url + "/healthz", timeout=5)
            last = reply.text
            if reply.status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"not healthy within {HEAL_S} s: {last}")


def settled(place: Installation, history: History, before: list[int]) -> dict[str, Any]:
    """The end state, once every release is served."""
    deadline = time.monotonic() + HEAL_S
    releases = list(everything(place, "/api/v1/releases"))
    while any(release["served_at"] is None for release in releases) and time.monotonic() < deadline:
        time.sleep(0.5)
        releases = list(everything(place, "/api/v1/releases"))
    report = place.manage("reconcile", "--json")
    return {
        "insights": list(everything(place, "/api/v1/insights")),
        "releases": releases,
        "before": before,
        "online": served(place, [loop.series for loop in history.loops if loop.releases]),
        "reconcile": json.loads(report.stdout),
    }


def everything(place: Installation, path: str) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor = ""
    while True:
        page = place.get("operator", f"{path}?limit=200{cursor}")
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def served(place: Installation, series: list[str]) -> dict[str, Any]:
    """What is online for each series, read in the sizes that the door takes."""
    found: dict[str, Any] = {}
    for start in range(0, len(series), 500):
        body = {"feature_service": "detection", "entities": {"series": series[start : start + 500]}}
        found |= rows(place.post("model", "/api/v1/features/online", body))
    return found
