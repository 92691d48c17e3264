from __future__ import annotations

from typing import Any

import pytest

from apps.actions.models import ActionItem
from apps.catalog.services import ensure_service
from tests.insights.making import propose
from tests.people import api_of

from .making import in_days, opened, somebody

pytestmark = [pytest.mark.api, pytest.mark.django_db]


def body(**changes: Any) -> dict[str, Any]:
    return {"title": "Move it", "owner": "ann", "due_on": in_days(3).isoformat(), **changes}


def test_an_action_is_opened_read_and_done() -> None:
    ann, insight = somebody(), propose()
    api = api_of(ann, "actions:read", "actions:write")
    ensure_service("checkout")
    given = body(
        owner=ann.username,
        insight=insight.pk,
        metric="recall",
        direction="up",
        service="checkout",
        smallest_effect=0.2,
    )
    answer = api.send("POST", "/api/v1/actions", given, key="once")
    assert answer.status_code == 201, answer.content
    assert api.send("POST", "/api/v1/actions", given, key="once").json() == answer.json()
    pk = answer.json()["id"]
    assert ActionItem.objects.count() == 1
    done = api.send("POST", f"/api/v1/actions/{pk}/done", {"note": "Served."})
    assert done.json()["state"] == "done"
    assert done.json()["done_at"].endswith("Z")
    again = api.send("POST", f"/api/v1/actions/{pk}/done", {})
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert api.send("GET", f"/api/v1/actions/{pk}").json() == done.json()
    assert api.send("GET", f"/api/v1/actions/{pk}/verdicts").json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("owner", {"owner": "nobody"}),
        ("due_on", {"due_on": "2001-01-01"}),
        ("due_on", {"due_on": "soon"}),
        ("service", {"service": "nowhere"}),
        ("insight", {"insight": 999_999, "metric": "recall", "direction": "up"}),
        ("postmortem", {"postmortem": 999_999}),
        ("kind", {"kind": "heroics"}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "a\x00b"}),
        ("surprise", {"surprise": 1}),
    ],
)
def test_a_wrong_field_is_named(field: str, changes: dict[str, Any]) -> None:
    ann = somebody()
    answer = api_of(ann).send("POST", "/api/v1/actions", body(**{"owner": ann.username, **changes}))
    assert answer.status_code in {400, 422}, answer.content
    assert field in str(answer.json())
    assert not ActionItem.objects.exists()


def test_lists_are_narrowed() -> None:
    first, second = opened(title="First"), opened(title="Second")
    api = api_of(first.owner, "actions:read")
    listed = api.send("GET", f"/api/v1/actions?owner={second.owner.username}&state=open").json()
    assert [item["title"] for item in listed["items"]] == ["Second"]
    assert api.send("GET", "/api/v1/actions?insight=7").json()["items"] == []
    for wrong in ("insight=x", "owner=a%00b", "limit=0"):
        assert api.send("GET", f"/api/v1/actions?{wrong}").status_code == 422, wrong
    assert api.send("GET", "/api/v1/actions/999999").status_code == 404
    assert api.send("GET", "/api/v1/actions/999999/verdicts").status_code == 404
