from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from apps.features import definitions, pinning, vectors
from apps.features.models import ProfileRow
from apps.features.reconcile import reconcile
from apps.features.tasks import reconcile_features
from tests.features.support import CHECKOUT, LOGIN, make_release, online, serve, sql

pytestmark = pytest.mark.unit

FAR = datetime(2100, 1, 1, tzinfo=UTC)


def kinds() -> list[str]:
    return sorted({finding.kind for finding in reconcile().findings})


@pytest.fixture
def served(feast):
    """Two releases, the first one pinned."""
    serve({CHECKOUT: {"theta_log2": 0.5}, LOGIN: {"direction": "up"}})
    serve({CHECKOUT: {"theta_log2": 1.5}})
    pinning.pin(number=1, author="omar")
    pinning.converge(key="1.1", payload={})
    return feast


def test_nothing_differs_after_publication(served):
    report = reconcile()
    assert report.clean
    assert report.checked == {"views": 6, "rows": 4}


DAMAGE = {
    "row": "DELETE FROM feast_online.feast_kv WHERE view = 'aftercast/detection_profile__r1'",
    "row_orphan": (
        "INSERT INTO feast_online.feast_kv SELECT view, '\\x01', payload, event_ts"
        " FROM feast_online.feast_kv LIMIT 1"
    ),
    "registry": "DELETE FROM feast_registry.feature_views",
    "registry ": "DELETE FROM feast_registry.feature_services WHERE feature_service_name = 'detection'",
}


@pytest.mark.parametrize(("kind", "damage"), DAMAGE.items())
def test_damage_is_found_and_repaired(served, kind, damage):
    sql(damage)
    assert set(kinds()) == {kind.strip()}
    report = reconcile(repair=True)
    assert report.clean
    assert report.remaining == []
    assert kinds() == []
    assert online(served, CHECKOUT)["theta_log2"] == 1.5
    assert online(served, CHECKOUT, "detection__r1")["theta_log2"] == 0.5


def test_a_row_from_the_future_is_put_right(served):
    old = ProfileRow.objects.filter(release_id=1)
    vectors.write(served, definitions.active().view, list(old), at=FAR)
    assert kinds() == ["row"]
    assert reconcile(repair=True).clean
    assert online(served, CHECKOUT)["theta_log2"] == 1.5


def test_strangers_in_the_registry_go(served):
    stranger = definitions.pinned(ProfileRow.objects.select_related("release")[0].release)
    stranger.view.name = stranger.view.projection.name = "detection_profile__r99"
    served.apply([definitions.entity(), stranger.view])
    vectors.write(served, stranger.view, list(ProfileRow.objects.all()[:1]))
    assert kinds() == ["registry_orphan", "row_orphan"]
    assert reconcile(repair=True).clean
    assert kinds() == []


def test_what_the_worker_has_not_done_is_done(served):
    make_release({CHECKOUT: {"theta_log2": 2.5}})
    pinning.pin(number=2, author="omar")
    pinning.unpin(number=1, author="omar")
    assert kinds() == ["pin", "registry_orphan", "row_orphan", "unserved"]
    assert reconcile_features() is True
    assert online(served, CHECKOUT)["theta_log2"] == 2.5
    assert online(served, CHECKOUT, "detection__r2")["theta_log2"] == 1.5


def test_the_command_says_what_differs_and_fails_until_it_is_repaired(served):
    sql(DAMAGE["row"])
    with pytest.raises(SystemExit) as stop:
        call_command("reconcile", stdout=io.StringIO())
    assert stop.value.code == 1
    out = io.StringIO()
    call_command("reconcile", "--repair", "--json", stdout=out)
    found = json.loads(out.getvalue())
    assert found["clean"] is True
    assert {finding["kind"] for finding in found["findings"]} == {"row"}
    assert found["remaining"] == []
    out = io.StringIO()
    call_command("reconcile", stdout=out)
    assert out.getvalue() == "6 views, 4 rows: clean\n"
