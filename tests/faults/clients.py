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
    """Takes insights through the loop, each on its own series; some are revised, some withdrawn."""

    def run(self) -> None:
        turn = 0
        while not self.stopping.is_set():
            turn += 1
            scale = round(0.01 * (turn % 200) + 0.01, 2)
            loop = Loop(f"{self.name}/metric_{turn}", f"{self.name} lesson {turn}", [scale])
            with self.history.lock:
                self.history.loops.append(loop)
            if not self._approved(loop, scale):
                continue
            if turn % 2 == 0 and not self._revised(loop, round(scale + 0.5, 2)):
                continue
            if turn % 5 == 0:
                self._withdrawn(loop)

    def _approved(self, loop: Loop, scale: float) -> bool:
        postmortem = self.expect(
            "responder",
            "/api/v1/postmortems",
            {"title": loop.title, "service": self.name, "narrative": NARRATIVE},
        )
        if postmortem is None:
            return False
        insight = self.expect(
            "responder",
            "/api/v1/insights",
            {
                "title": loop.title,
                "recommendation": "Raise the threshold.",
                "scope": {"series": [loop.series]},
                "confidence": 0.9,
                "provenance": {"postmortem": postmortem["id"], "lines": [3, 3]},
                "signals": [{"kind": "theta_scale", "value": scale}],
            },
        )
        if insight is None:
            return False
        loop.insight = insight["id"]
        return self._both_approve(loop, 1)

    def _revised(self, loop: Loop, scale: float) -> bool:
        loop.scales.append(scale)  # from here on either may be served, and in the end this one
        path = f"/api/v1/insights/{loop.insight}/revise"
        body = {"revision": 1, "signals": [{"kind": "theta_scale", "value": scale}]}
        return self.expect("responder", path, body) is not None and self._both_approve(loop, 2)

    def _withdrawn(self, loop: Loop) -> None:
        loop.ending = True
        body = {"reason": "It hid an incident."}
        if self.expect("operator", f"/api/v1/insights/{loop.insight}/withdraw", body) is not None:
            loop.withdrawn = True

    def _both_approve(self, loop: Loop, revision: int) -> bool:
        yes = {"revision": revision, "override_reason": WHY}
        path = f"/api/v1/insights/{loop.insight}/approve"
        if self.expect("reviewer", path, yes) is None:
            return False
        approved = self.expect("operator", path, yes)
        if approved is None:
            return False
        loop.releases.append(approved["release"])
        return True


class Reader(Client):
    """Reads what is served: a series never goes back to an older release, nor to a value nobody approved."""

    def run(self) -> None:
        newest: dict[str, int] = {}
        while not self.stopping.is_set():
            with self.history.lock:
                watched = [loop for loop in self.history.loops if loop.releases][-50:]
            if watched:
                self._read({loop.series: loop for loop in watched}, newest)
            time.sleep(0.05)

    def _read(self, watched: dict[str, Loop], newest: dict[str, int]) -> None:
        body = {"feature_service": "detection", "entities": {"series": list(watched)}}
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
            loop = watched[series]
            withdrawn = row["status"] == "withdrawn" and loop.ending
            if row["theta_log2"] not in loop.scales and not withdrawn:
                self.history.surprise(f"{series} served {row['theta_log2']}, approved were {loop.scales}")


def rows(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Series to its row, from the column-wise answer of the online door."""
    names = answer["metadata"]["feature_names"]
    columns = {name: result["values"] for name, result in zip(names, answer["results"], strict=True)}
    return {series: {name: columns[name][i] for name in names} for i, series in enumerate(columns["series"])}
