from __future__ import annotations

import pytest

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
from apps.postmortems.models import Postmortem
from apps.telemetry.models import OutcomeLabel, Series
from tests.people import make_person

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def counts() -> list[int]:
    models = (User, Insight, Release, Series, Incident, Postmortem, ActionItem, OutcomeLabel)
    return [model.objects.count() for model in models]


def test_it_tells_lessons_in_every_state_and_measures_them_with_every_verdict() -> None:
    loading.load()
    assert {*Insight.objects.values_list("state", flat=True)} == {
        "proposed", "changes_requested", "rejected", "approved", "withdrawn",
    }  # fmt: skip
    while Outbox.objects.filter(kind="impact.judge_action", state="pending").exists():
        outbox.drain()
    assert {*Verdict.objects.values_list("verdict", flat=True)} == {
        "improved", "worse", "no_evidence", "too_few_data",
    }  # fmt: skip
    assert Release.objects.count() >= 7
    assert Incident.objects.filter(origin="public").count() == 23
    assert Incident.objects.filter(origin="own", series__isnull=False).count() == 44


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
