"""Signed deliveries as GitHub and Jira send them."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
from typing import TYPE_CHECKING, Any

from django.test import Client

from .server import gh_issue, jira_issue

if TYPE_CHECKING:
    from apps.actions.models import Tracker

_numbers = itertools.count(1)


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def github(tracker: Tracker, secret: str, body: dict[str, Any], **changes: str) -> Any:
    raw = json.dumps(body).encode()
    headers = {
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": f"72d3162e-cc78-11e3-81ab-{next(_numbers):012d}",
        "X-Hub-Signature-256": signature(secret, raw),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return deliver(tracker, raw, headers)


def jira(tracker: Tracker, secret: str, body: dict[str, Any], **changes: str) -> Any:
    raw = json.dumps(body).encode()
    headers = {
        "X-Atlassian-Webhook-Identifier": f"identifier-{next(_numbers)}",
        "X-Hub-Signature": signature(secret, raw),
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return deliver(tracker, raw, headers)


def deliver(tracker: Tracker, raw: bytes, headers: dict[str, str]) -> Any:
    return Client().post(
        f"/hooks/trackers/{tracker.key}", raw, content_type="application/json", headers=headers
    )


def gh_event(action: str, number: int = 7, *, at: str, **issue: Any) -> dict[str, Any]:
    """The body of an `issues` event."""
    more: dict[str, Any] = {name: issue.pop(name) for name in ("changes", "assignee") if name in issue}
    return {
        "action": action,
        "issue": gh_issue(number, updated_at=at, **issue),
        "repository": {"id": 1, "full_name": "octo/shop"},
        "sender": {"login": "octocat", "id": 1},
        **more,
    }


def jira_event(
    *items: tuple[str, str | None, str | None], at_ms: int, key: str = "OPS-7", **fields: Any
) -> dict[str, Any]:
    """The body of `jira:issue_updated` with the items (field, fromString, toString) of its change log."""
    return {
        "timestamp": at_ms,
        "webhookEvent": "jira:issue_updated",
        "issue_event_type_name": "issue_generic",
        "user": {"accountId": "557058:jo", "displayName": "Jo"},
        "issue": jira_issue(key, **fields),
        "changelog": {
            "id": str(at_ms),
            "items": [
                {
                    "field": name,
                    "fieldtype": "jira",
                    "from": None,
                    "fromString": old,
                    "to": None,
                    "toString": new,
                }
                for name, old, new in items
            ],
        },
    }
