from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.accounts.authentication import authenticate_bearer
from apps.accounts.models import ApiToken, User
from apps.actions.models import ActionItem
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.demo import cast, loading
from apps.features.models import Release
from apps.impact.models import Verdict
from apps.incidents.models import Incident
from apps.insights.models import Insight
from apps.insights.stopping import expire_insights
from apps.postmortems.models import Postmortem
from apps.telemetry.models import OutcomeLabel, Series
from tests.people import make_person

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def counts() -> list[int]:
    models = (User, Insight, Release, Series, Incident, Postmortem, ActionItem, OutcomeLabel)
    return [model.objects.count() for model in models]


def measured() -> dict[str, Verdict]:
    """What became of every action on an insight, once the worker has nothing left to measure."""
    while Outbox.objects.filter(kind="impact.judge_action", state="pending").exists():
        outbox.drain()
    assert not Outbox.objects.filter(kind="impact.judge_action").exclude(state="done").exists()
    return {verdict.action.title: verdict for verdict in Verdict.objects.select_related("action")}


def test_it_tells_lessons_in_every_state() -> None:
    loading.load()
    assert Counter(Insight.objects.values_list("state", flat=True)) == {
        "proposed": 2, "changes_requested": 1, "rejected": 1, "approved": 5, "withdrawn": 2,
    }  # fmt: skip
    waiting = Insight.objects.filter(state="proposed")
    assert {insight.revisions.get().approvals.count() for insight in waiting} == {0, 1}
    assert Release.objects.count() >= 7
    assert Incident.objects.filter(origin="public").count() == 23
    assert Incident.objects.filter(origin="own", series__isnull=False).count() == 44
    with time_machine.travel(timezone.now() + timedelta(seconds=46), tick=False):
        expire_insights()
    assert Insight.objects.filter(state="expired").count() == 1


@pytest.mark.parametrize(
    "earlier", [timedelta(0), timedelta(hours=7, minutes=35), timedelta(days=3, hours=16)]
)
def test_real_replays_give_each_verdict_whenever_it_is_started(earlier: timedelta) -> None:
    loading.load(end=timezone.now() - earlier)
    found = measured()
    assert {title: str(verdict.verdict) for title, verdict in found.items()} == {
        "Tell on-call that bursts no longer page": "improved",
        "Take the mute off the queue's alarm": "too_few_data",
        "Try whether more incidents are caught": "no_evidence",
        "Try what quiet nights cost": "worse",
    }
    improved = found["Tell on-call that bursts no longer page"]
    assert improved.n >= 12
    assert improved.report["excluded"]["own_incident"] == 1
    assert improved.report["incidents"]["lost"] == 0
    worse = found["Try what quiet nights cost"].report["incidents"]
    assert (worse["held_out"], worse["gained"]) == (21, 0)
    assert worse["lost"] >= 9


def test_loading_it_again_changes_nothing_but_the_tokens() -> None:
    first = loading.load()
    before = counts()
    second = loading.load()
    assert counts() == before
    assert set(first) == set(second) == {"responder", "reviewer", "operator", "model"}
    assert authenticate_bearer(f"Bearer {first['model']}") is None
    assert authenticate_bearer(f"Bearer {second['model']}") is not None
    assert ApiToken.objects.filter(revoked_at=None).count() == 4


def test_nobody_can_be_signed_in_as_where_no_demo_is_loaded() -> None:
    assert cast.people() == []


def test_a_demo_is_not_loaded_where_people_have_accounts() -> None:
    make_person("sam", "admin")
    with pytest.raises(loading.OccupiedError, match="accounts of its own"):
        loading.load()
    assert cast.people() == []
    assert User.objects.count() == 1
