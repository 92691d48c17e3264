"""The server's HTTP API, as far as a detector needs it; patient with a server that restarts."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from .errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ATTEMPTS = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
TIMEOUT_S = 60.0
PASSING = frozenset({429, 500, 502, 503, 504})
IN_PROGRESS = "idempotency_in_progress"  # our own request from before is not over yet
ALARMS_A_REQUEST = 5000


class Bearer(AuthBase):
    """The token. As an auth object, since requests would let an entry of ~/.netrc replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Server:
    """One installation, at `url`."""

    def __init__(self, url: str, token: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = Bearer(token)
        self._wait = wait

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def series(self) -> list[str]:
        """Ids of all series that have samples."""
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", "/api/v1/series", params=query).json()
            found += [row["id"] for row in page["items"] if row["samples"]]
            cursor = page["next"]
        return found

    def samples(self, series_id: str) -> Iterator[tuple[str, float]]:
        """Time and value of every sample."""
        start: str | None = ""
        while start is not None:
            query = {"start": start} if start else {}
            page = self._call("GET", f"/api/v1/series/{quote(series_id)}/samples", params=query).json()
            yield from zip(page["at"], page["value"], strict=True)
            start = page["next_start"]

    def client_folder(self, etag: str | None) -> tuple[bytes, str] | None:
        """The client zip and its ETag, or None if `etag` is still the newest."""
        headers = {"If-None-Match": etag} if etag else {}
        reply = self._call("GET", "/api/v1/features/client.zip", headers=headers)
        return (
            None
            if reply.status_code == requests.codes.not_modified
            else (reply.content, reply.headers["ETag"])
        )

    def report(self, alarms: Sequence[dict[str, Any]]) -> dict[str, int]:
        """Post alarms; a repeated report is not counted twice, whatever broke in between.

        Raises:
            DetectorError: the server refuses them, or stays away.
        """
        total = {"added": 0, "same": 0}
        for start in range(0, len(alarms), ALARMS_A_REQUEST):
            body = json.dumps(alarms[start : start + ALARMS_A_REQUEST]).encode()
            headers = {
                "Content-Type": "application/json",
                "Idempotency-Key": hashlib.sha256(body).hexdigest(),
            }
            answer = self._call("POST", "/api/v1/alarms", data=body, headers=headers).json()
            total = {name: total[name] + answer[name] for name in total}
        return total

    def _call(self, method: str, path: str, **rest: Any) -> requests.Response:
        problem = ""
        wait_s = FIRST_WAIT_S
        for attempt in range(ATTEMPTS):
            if attempt:
                self._wait(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            try:
                reply = self._session.request(method, self.url + path, timeout=TIMEOUT_S, **rest)
            except (requests.ConnectionError, requests.Timeout) as exc:
                problem = str(exc)
                continue
            if reply.ok:
                return reply
            problem = _told(reply)
            if reply.status_code not in PASSING and IN_PROGRESS not in problem:
                break
        raise DetectorError(f"{method} {self.url}{path}: {problem}")


def _told(reply: requests.Response) -> str:
    """What the server says is wrong (RFC 9457), or the status alone."""
    try:
        problem = reply.json()
        return f"{reply.status_code} {problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{reply.status_code} {reply.reason}"
