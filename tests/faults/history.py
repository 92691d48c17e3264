"""What the clients of a crash run did, were told, and read; and the invariants that must hold over it.

The clients' log is the ground truth. An operation is *acknowledged* when a reply below 500 came back; one
whose connection broke is *unknown* and is sent again with the same Idempotency-Key until it is acknowledged.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Loop:
    """One insight on its way: filed, approved twice, perhaps revised and approved again, perhaps withdrawn.

    `scales` are the values that were approved or are about to be, the newest last; `releases` are those
    acknowledged.
    `ending` is set before the withdrawal is sent, `withdrawn` once it is acknowledged.
    """

    series: str
    title: str
    scales: list[float]
    insight: int | None = None
    releases: list[int] = field(default_factory=list)
    ending: bool = False
    withdrawn: bool = False


@dataclass
class History:
    """Everything acknowledged, everything read, and what clients were told that they should not have been."""

    loops: list[Loop] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    reads: int = 0
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def surprise(self, text: str) -> None:
        with self.lock:
            self.surprises.append(text)

    def count_read(self) -> None:
        with self.lock:
            self.reads += 1

    def count_retry(self) -> None:
        with self.lock:
            self.retries += 1


def violations(history: History, state: dict[str, Any]) -> list[str]:
    """Every invariant that the end state breaks against what was acknowledged; empty is the goal.

    `state` holds `insights` and `releases` (all of them, from the API), `before` (numbers of releases before
    the run), `online` (series to served row) and `reconcile` (the command's report).
    """
    found = list(history.surprises)
    releases = {release["number"]: release for release in state["releases"]}
    made = Counter(insight["title"] for insight in state["insights"])
    for loop in history.loops:
        found += _loop(loop, made, releases, state)
    withdrawals = sum(1 for loop in history.loops if loop.withdrawn)
    acknowledged = {number for loop in history.loops for number in loop.releases}
    extra = sorted(set(releases) - acknowledged - set(state["before"]))
    if len(extra) != withdrawals or any(releases[number]["kind"] != "withdraw" for number in extra):
        found.append(f"releases that nobody was told of: {extra} beside {withdrawals} withdrawals")
    if sorted(releases) != list(range(1, len(releases) + 1)):
        found.append(f"release numbers have gaps: {sorted(releases)}")
    unserved = [number for number, release in releases.items() if release["served_at"] is None]
    if unserved:
        found.append(f"releases never served: {unserved}")
    moments = [releases[number]["known_at"] for number in sorted(releases)]
    if any(later <= earlier for earlier, later in itertools.pairwise(moments)):
        found.append("known_at does not rise strictly")
    if not state["reconcile"]["clean"]:
        found.append(f"the reconciler found differences: {state['reconcile']['findings']}")
    return found


def _loop(loop: Loop, made: Counter[str], releases: dict[int, Any], state: dict[str, Any]) -> list[str]:
    if loop.insight is None:
        return []
    found = []
    if made[loop.title] != 1:
        found.append(f"{loop.title}: {made[loop.title]} insights instead of one")
    lost = [number for number in loop.releases if number not in releases]
    if lost:
        found.append(f"{loop.title}: acknowledged releases {lost} are lost")
    row = state["online"].get(loop.series)
    if row is None or not loop.releases:
        return found
    expected = ("withdrawn", None) if loop.withdrawn else ("active", loop.scales[-1])
    if (row["status"], row["theta_log2"]) != expected:
        found.append(f"{loop.title}: {loop.series} serves {row} instead of {expected}")
    return found
