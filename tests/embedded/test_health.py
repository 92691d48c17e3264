"""GET /healthz: what it names, and what it never tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError

from apps.common import health
from apps.common.health import HealthError

if TYPE_CHECKING:
    from django.test import Client

pytestmark = [pytest.mark.api, pytest.mark.django_db]


def well() -> None:
    """All is well."""


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> dict[str, health.Check]:
    found: dict[str, health.Check] = {"database": well, "worker": well}
    monkeypatch.setattr(health, "_checks", found)
    return found


def test_every_part_names_itself():
    assert {"database", "broker", "worker", "feast"} <= set(health._checks)


def test_all_well_is_200_to_anybody(client: Client, checks: dict[str, health.Check]):
    reply = client.get("/healthz")
    assert reply.status_code == 200
    assert reply.json() == {"status": "ok", "database": {"ok": True}, "worker": {"ok": True}}
    assert reply["Cache-Control"] == "no-store"


def test_one_failing_check_is_503_and_says_what_is_wrong(client: Client, checks: dict[str, health.Check]):
    def silent() -> None:
        raise HealthError("no worker was ever seen")

    checks["worker"] = silent
    reply = client.get("/healthz")
    assert reply.status_code == 503
    assert reply.json()["status"] == "failing"
    assert reply.json()["worker"] == {"ok": False, "problem": "no worker was ever seen"}
    assert reply.json()["database"] == {"ok": True}


def test_a_check_that_breaks_fails_without_telling_addresses(client: Client, checks: dict[str, health.Check]):
    def broken() -> None:
        raise OperationalError("could not connect to db.internal as aftercast with hunter2")

    checks["database"] = broken
    reply = client.get("/healthz")
    assert reply.status_code == 503
    assert reply.json()["database"] == {"ok": False, "problem": "OperationalError"}
    assert b"hunter2" not in reply.content


def test_it_is_only_read(client: Client):
    assert client.post("/healthz").status_code == 405
