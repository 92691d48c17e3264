"""A quarter without a verified gain opens one task, and only then."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction

from apps.accounts.models import Role
from apps.actions.models import ActionItem
from apps.impact import quarters, reevaluating
from apps.impact.models import Reevaluation
from apps.insights.models import Insight
from tests.actions.making import somebody
from tests.insights.making import propose
from tests.reading import signed_in

from .test_reporting import verdict

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def later() -> date:
    """A day in the quarter after this one."""
    return quarters.of(date.today()).end + timedelta(days=3)  # noqa: DTZ011


def test_quarters_of_the_calendar() -> None:
    assert quarters.of(date(2026, 11, 21)).name == "2026 Q4"
    assert quarters.before(date(2026, 1, 1)) == quarters.Quarter(date(2025, 10, 1))
    assert quarters.Quarter(date(2026, 10, 1)).end == date(2027, 1, 1)
    found = quarters.between(date(2025, 12, 31), date(2026, 4, 1))
    assert [one.name for one in found] == ["2025 Q4", "2026 Q1", "2026 Q2"]


def test_nothing_could_be_gained_before_there_was_an_insight() -> None:
    somebody(Role.PROGRAMME_OWNER)
    assert reevaluating.check(later()) is None
    assert not Reevaluation.objects.exists()


def test_one_task_with_three_questions_for_an_owner_of_the_programme() -> None:
    propose()
    somebody(Role.ADMIN)
    owner = somebody(Role.PROGRAMME_OWNER)
    day = later()
    with time_machine.travel(day, tick=False):
        opened = reevaluating.check(day)
    assert opened is not None
    assert opened.action.owner == owner
    assert opened.action.kind == "process"
    assert quarters.before(day).name in opened.action.title
    with time_machine.travel(day + timedelta(days=1), tick=False):
        assert reevaluating.check(day + timedelta(days=1)) is None
    assert ActionItem.objects.count() == 1
    prompts = reevaluating.prompts_of(opened.action)
    assert len(prompts) == 3
    assert "1 insights proposed" in prompts[0].figures
    panel = signed_in(owner).get(f"/actions/{opened.action.pk}/verdict").content.decode()
    assert "Is what we decided being done?" in panel
    assert opened.action.title in signed_in(owner).get("/impact").content.decode()
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        Reevaluation.objects.all().delete()


def test_without_an_owner_of_the_programme_an_administrator_gets_it() -> None:
    propose()
    admin = somebody(Role.ADMIN)
    day = later()
    with time_machine.travel(day, tick=False):
        opened = reevaluating.check(day)
    assert opened is not None
    assert opened.action.owner == admin


def test_a_verified_gain_opens_nothing_and_a_lucky_one_does() -> None:
    propose()
    somebody(Role.PROGRAMME_OWNER)
    verdict(p=0.04)
    quarter, day = quarters.of(date.today()), later()  # noqa: DTZ011
    assert reevaluating.verified_gains(quarter) == 1
    with time_machine.travel(day, tick=False):
        assert reevaluating.check(day) is None
    for _ in range(3):
        verdict(p=0.9, verdict="no_evidence")
    assert reevaluating.verified_gains(quarter) == 0
    with time_machine.travel(day, tick=False):
        assert reevaluating.check(day) is not None
    assert Insight.objects.count() == 1
