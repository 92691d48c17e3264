"""A tracker on this machine: a real HTTP server that speaks the documented shapes of GitHub and Jira.

Written from the published references of GitHub's REST API (2022-11-28) and Jira's REST API 2; it keeps issues
and comments in memory, checks the token, and fails on demand.
"""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64encode
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghp_secret-token"
ACCOUNT = "bot@example.org"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class World:
    """What is in the tracker, what was asked of it, and how the next calls fail."""

    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    failures: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    slow_s: float = 0.0
    transitions: list[dict[str, Any]] = field(
        default_factory=lambda: [
            moves("11", "Start", "In Progress", "indeterminate"),
            moves("21", "Won't do", "Declined", "done"),
            moves("31", "Finish", "Done", "done"),
            moves("41", "Back", "To Do", "new"),
        ]
    )

    def made(self, method: str) -> list[str]:
        return [path for asked, path in self.calls if asked == method]


def moves(number: str, name: str, to: str, category: str) -> dict[str, Any]:
    return {"id": number, "name": name, "to": {"name": to, "statusCategory": {"key": category}}}


class Handler(BaseHTTPRequestHandler):
    world: World

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of the base class
        """Say nothing."""

    def handle_all(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        parts = urlsplit(self.path)
        self.world.calls.append((self.command, parts.path))
        if self.world.slow_s:
            time.sleep(self.world.slow_s)
        if self.world.failures:
            status, headers = self.world.failures.popleft()
            return self.answer(status, {"message": "Something is wrong."}, headers)
        if not self.known():
            return self.answer(401, {"message": "Bad credentials"})
        for method, pattern, way in self.ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if method == self.command and found:
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                return self.answer(*way(self, body, query, *found.groups()))
        return self.answer(404, {"message": "Not Found"})

    do_GET = do_POST = do_PUT = do_PATCH = handle_all  # noqa: N815  # names of the base class

    def known(self) -> bool:
        basic = b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        return self.headers.get("Authorization") in {f"Bearer {TOKEN}", f"Basic {basic}"}

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        sent = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    # --- GitHub -----------------------------------------------------------------------------------
    def gh_repository(self, body: Any, query: Any) -> tuple[int, Any]:
        return 200, {"id": 1, "full_name": "octo/shop", "has_issues": True}

    def gh_list(self, body: Any, query: dict[str, str]) -> tuple[int, Any]:
        newest = sorted(self.world.issues.values(), key=lambda one: -one["number"])
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return 200, newest[(page - 1) * size : page * size]

    def gh_create(self, body: Any, query: Any) -> tuple[int, Any]:
        number = str(len(self.world.issues) + 1)
        self.world.issues[number] = gh_issue(
            int(number), title=body["title"], body=body.get("body"), logins=body.get("assignees") or []
        )
        return 201, self.world.issues[number]

    def gh_read(self, body: Any, query: Any, number: str) -> tuple[int, Any]:
        found = self.world.issues.get(number)
        return (200, found) if found else (404, {"message": "Not Found"})

    def gh_change(self, body: Any, query: Any, number: str) -> tuple[int, Any]:
        issue = self.world.issues[number]
        if "assignees" in body:
            issue["assignees"] = [{"login": login} for login in body.pop("assignees")]
        issue |= {**body, "updated_at": now()}
        return 200, issue

    def comments_of(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        found = self.world.comments.get(key, [])
        return 200, {"comments": found} if "rest/api/2" in self.path else found

    def comment(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        self.world.comments.setdefault(key, []).append({"id": 1, "body": body["body"]})
        return 201, {"id": 1, "body": body["body"]}

    # --- Jira -------------------------------------------------------------------------------------
    def jira_project(self, body: Any, query: Any) -> tuple[int, Any]:
        return 200, {"id": "10000", "key": "OPS", "name": "Operations"}

    def jira_create(self, body: Any, query: Any) -> tuple[int, Any]:
        key = f"OPS-{len(self.world.issues) + 1}"
        self.world.issues[key] = jira_issue(key, **body["fields"])
        return 201, {"id": "10001", "key": key, "self": f"http://tracker/rest/api/2/issue/{key}"}

    def jira_search(self, body: Any, query: dict[str, str]) -> tuple[int, Any]:
        label = re.findall(r'labels = "([^"]+)"', query["jql"])[0]
        found = [one for one in self.world.issues.values() if label in one["fields"].get("labels", [])]
        return 200, {"issues": found, "isLast": True}

    def jira_read(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        found = self.world.issues.get(key)
        return (200, found) if found else (404, {"errorMessages": ["Issue does not exist"], "errors": {}})

    def jira_change(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        self.world.issues[key]["fields"] |= body["fields"]
        return 204, None

    def jira_transitions(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        return 200, {"transitions": self.world.transitions}

    def jira_move(self, body: Any, query: Any, key: str) -> tuple[int, Any]:
        chosen = next(one for one in self.world.transitions if one["id"] == body["transition"]["id"])
        self.world.issues[key]["fields"]["status"] = chosen["to"]
        return 204, None

    REPO = "/repos/octo/shop"
    API = "/rest/api/2"
    ROUTES = (
        ("GET", REPO, gh_repository),
        ("GET", f"{REPO}/issues", gh_list),
        ("POST", f"{REPO}/issues", gh_create),
        ("GET", f"{REPO}/issues/([0-9]+)", gh_read),
        ("PATCH", f"{REPO}/issues/([0-9]+)", gh_change),
        ("GET", f"{REPO}/issues/([0-9]+)/comments", comments_of),
        ("POST", f"{REPO}/issues/([0-9]+)/comments", comment),
        ("GET", f"{API}/project/OPS", jira_project),
        ("POST", f"{API}/issue", jira_create),
        ("GET", f"{API}/search/jql", jira_search),
        ("GET", f"{API}/issue/([A-Z]+-[0-9]+)", jira_read),
        ("PUT", f"{API}/issue/([A-Z]+-[0-9]+)", jira_change),
        ("GET", f"{API}/issue/([A-Z]+-[0-9]+)/transitions", jira_transitions),
        ("POST", f"{API}/issue/([A-Z]+-[0-9]+)/transitions", jira_move),
        ("GET", f"{API}/issue/([A-Z]+-[0-9]+)/comment", comments_of),
        ("POST", f"{API}/issue/([A-Z]+-[0-9]+)/comment", comment),
    )


def gh_issue(
    number: int, *, title: str = "Their title", body: str | None = "", logins: Any = (), **more: Any
) -> dict[str, Any]:
    """An issue as GitHub answers it, the fields that we read."""
    return {
        "id": 1000 + number,
        "number": number,
        "title": title,
        "body": body,
        "state": "open",
        "state_reason": None,
        "assignee": {"login": logins[0]} if logins else None,
        "assignees": [{"login": login} for login in logins],
        "html_url": f"https://github.example/octo/shop/issues/{number}",
        "created_at": now(),
        "updated_at": now(),
        "closed_at": None,
        **more,
    }


def jira_issue(key: str, *, summary: str = "Their summary", **more: Any) -> dict[str, Any]:
    """An issue as Jira answers it, the fields that we read."""
    fields = {
        "summary": summary,
        "status": {"name": "To Do", "statusCategory": {"key": "new"}},
        "resolution": None,
        "assignee": None,
        "duedate": None,
        "labels": [],
        **more,
    }
    return {"id": "10001", "key": key, "fields": fields}


class Running:
    """The server on a free port of this machine."""

    def __init__(self) -> None:
        self.world = World()
        handler = type("Bound", (Handler,), {"world": self.world})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
