from __future__ import annotations

import pytest

from apps.accounts.authentication import authenticate_bearer
from apps.accounts.models import ApiToken, User
from apps.features.models import Release
from apps.insights import demo
from apps.insights.models import GateOverride, GateResult, Insight
from apps.telemetry.models import Series

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def test_the_demo_tells_two_lessons_that_the_gate_lets_through():
    demo.load()
    assert list(Insight.objects.order_by("pk").values_list("state", flat=True)) == ["approved", "proposed"]
    assert set(GateResult.objects.values_list("verdict", flat=True)) == {"passed"}
    assert GateOverride.objects.count() == 0
    assert Release.objects.count() == 1
    assert Series.objects.filter(samples__gt=0).count() == 11


def test_loading_it_again_changes_nothing_but_the_tokens():
    first = demo.load()
    counts = (User.objects.count(), Insight.objects.count(), Release.objects.count(), Series.objects.count())
    second = demo.load()
    assert counts == (
        User.objects.count(), Insight.objects.count(), Release.objects.count(), Series.objects.count(),
    )  # fmt: skip
    assert set(first) == set(second) == {"responder", "reviewer", "operator", "model"}
    assert authenticate_bearer(f"Bearer {first['model']}") is None
    assert authenticate_bearer(f"Bearer {second['model']}") is not None
    assert ApiToken.objects.filter(revoked_at=None).count() == 4
