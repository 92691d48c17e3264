"""Clients of a crash run: they file, approve, revert, read, and take no broken connection for an answer."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import requests

from tests.blackbox.story import NARRATIVE, WHY
from tests.faults.history import History, Loop

if TYPE_CHECKING:
    from tests.blackbox.installation import Installation

PATIENCE_S = 60


class Client(threading.Thread):
    """A thread that works until told to stop, and finishes the operation that it is in."""

    def __init__(self, place: Installation, history: History, stop: threading.Event, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.place, self.history, self.stopping = place, history, stop
        self.session = requests.Session()

    def send(self, who: str, method: str, path: str, body: Any = None) -> requests.Response | None:
        """The acknowledged reply: the same request and key again, until one below 500 comes back."""
        headers = {"Authorization": f"Bearer {self.place.tokens[who]}", "Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                reply = self.session.request(
                    method, self.place.url + path, json=body, headers=headers, timeout=10
                )
            except requests.RequestException:
                self.session = requests.Session()
            else:
                busy = reply.status_code == 409 and reply.json().get("code") == "idempotency_in_progress"
                if reply.status_code < 500 and not busy:
                    return reply
            self.history.count_retry()
            time.sleep(0.1)
        self.history.surprise(f"{method} {path}: no answer within {PATIENCE_S} s")
        return None

    def expect(self, who: str, path: str, body: Any) -> dict[str, Any] | None:
        """The body of a successful POST; anything else is a surprise."""
        reply = self.send(who, "POST", path, body)
        if reply is None:
            return None
        if reply.status_code not in (200, 201):
            self.history.surprise(f"POST {path}: {reply.status_code} {reply.text[:300]}")
            return None
        answer: dict[str, Any] = reply.json()
        return answer


class Author(Client):
    """Takes one insight after the other through the whole loop, each on a series of its own."""

    def run(self) -> None:
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            scale = round(0.01 * (turn % 200) + 0.01, 2)
            loop = Loop(f"{self.name}/metric_{turn}", scale, f"{self.name} lesson {turn}")
            with self.history.lock:
                self.history.loops.append(loop)
            self._through(loop)

    def _through(self, loop: Loop) -> None:
        postmortem = self.expect(
            "responder",
            "/api/v1/postmortems",
            {"title": loop.title, "service": self.name, "narrative": NARRATIVE},
        )
        if postmortem is None:
            return
        insight = self.expect(
            "responder",
            "/api/v1/insights",
            {
                "title": loop.title,
                "recommendation": "Raise the threshold.",
                "scope": {"series": [loop.series]},
                "confidence": 0.9,
                "provenance": {"postmortem": postmortem["id"], "lines": [3, 3]},
                "signals": [{"kind": "theta_scale", "value": loop.scale}],
            },
        )
        if insight is None:
            return
        loop.insight = insight["id"]
        yes = {"revision": 1, "override_reason": WHY}
        path = f"/api/v1/insights/{insight['id']}/approve"
        if self.expect("reviewer", path, yes) is None:
            return
        approved = self.expect("operator", path, yes)
        if approved is not None:
            loop.release = approved["release"]


class Reader(Client):
    """Reads what is served; the release of a series never goes back, and a value is never torn."""

    def run(self) -> None:
        newest: dict[str, int] = {}
        while not self.stopping.is_set():
            with self.history.lock:
                served = {loop.series: loop.scale for loop in self.history.loops if loop.release}
            if served:
                self._read(dict(list(served.items())[-50:]), newest)
            time.sleep(0.05)

    def _read(self, expected: dict[str, float], newest: dict[str, int]) -> None:
        body = {"feature_service": "detection", "entities": {"series": list(expected)}}
        reply = self.send("model", "POST", "/api/v1/features/online", body)
        if reply is None:
            return
        if reply.status_code != 200:
            self.history.surprise(f"online read: {reply.status_code} {reply.text[:300]}")
            return
        self.history.count_read()
        for series, row in rows(reply.json()).items():
            if row["release"] is None:
                continue  # approved, not served yet
            if row["release"] < newest.get(series, 0):
                self.history.surprise(f"{series} went back to release {row['release']} from {newest[series]}")
            newest[series] = row["release"]
            if row["theta_log2"] != expected[series]:
                self.history.surprise(f"{series} served {row['theta_log2']} instead of {expected[series]}")


def rows(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Series to its row, from the column-wise answer of the online door."""
    names = answer["metadata"]["feature_names"]
    columns = {name: result["values"] for name, result in zip(names, answer["results"], strict=True)}
    return {series: {name: columns[name][i] for name in names} for i, series in enumerate(columns["series"])}
