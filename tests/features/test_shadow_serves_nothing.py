"""A shadow run changes no served value: all online answers and the releases are equal to the byte (A16)."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.audit import outbox
from apps.features.models import Release
from apps.insights import services
from apps.insights.models import ShadowRun
from tests.features.support import bearer
from tests.insights.making import WHY, approve, draft, person, propose
from tests.insights.streams import BOTH, LATENCY, ORDERS, SPARE_BURSTS, midnight, stream
from tests.insights.test_shadow import after, begin

if TYPE_CHECKING:
    from django.test import Client

    from apps.features.feast_store import Store

pytestmark = [pytest.mark.api]

DAY = timedelta(days=1)


def served(client: Client, headers: dict[str, str]) -> str:
    """SHA-256 of every online answer, of release and of service history, and of all releases' digests."""
    bodies = []
    for service, entities in (
        ("detection", {"series": [LATENCY, ORDERS]}),
        ("service_history", {"service": ["checkout", "cart"]}),
    ):
        answer = client.post(
            "/api/v1/features/online",
            {"feature_service": service, "entities": entities},
            content_type="application/json",
            headers=headers,
        )
        bodies.append(answer.content.decode() if answer.status_code == 200 else str(answer.status_code))
    releases = [list(row) for row in Release.objects.order_by("number").values_list("number", "digest")]
    return hashlib.sha256(json.dumps([bodies, releases]).encode()).hexdigest()


def test_nothing_that_is_served_changes_before_during_and_after_a_run(client: Client, feast: Store) -> None:
    today = midnight(timezone.now())
    for seed, series_id in enumerate((LATENCY, ORDERS), start=1):
        stream(series_id, today - 14 * DAY, 36, incidents=(17, 23, 29), seed=seed)
    insight = approve(propose(scope=BOTH, signals=[{"kind": "theta_scale", "value": 0.5}]))
    outbox.drain()
    headers = bearer(person(Role.VIEWER), "features:read")
    before = served(client, headers)

    services.revise_insight(
        insight_id=insight.pk,
        draft=draft(insight.author, scope=BOTH, signals=SPARE_BURSTS),
        author=insight.author,
    )
    fresh = propose(scope=BOTH, signals=SPARE_BURSTS)
    runs = [begin(insight, override_reason=WHY), begin(fresh, override_reason=WHY)]
    outbox.drain()
    assert served(client, headers) == before
    for days in (3, 9, 15):
        assert sum(after(run, days) for run in runs) > 0
        outbox.drain()
        assert served(client, headers) == before
    for run in runs:
        after(run, 21.5)
    outbox.drain()
    assert set(ShadowRun.objects.values_list("ending", flat=True)) == {"finished"}
    assert served(client, headers) == before

    approve(fresh)  # the measure itself can tell: an approval changes the hash
    outbox.drain()
    assert served(client, headers) != before
