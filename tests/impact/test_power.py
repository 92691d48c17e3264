"""The power calculator: at the installation's own spread and pace, or said to be somebody else's."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.analysis import power
from apps.impact import calculator
from tests.actions.making import somebody
from tests.reading import signed_in

from . import field_making as making

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def test_without_durations_of_ones_own_the_published_spread_is_named() -> None:
    answer = calculator.answer("time_to_resolve", 50)
    assert answer.needed == power.needed(power.Durations(), effect=0.5)
    assert "Published: 1.23" in answer.spread
    assert answer.weeks is None
    assert dict(answer.table)[10] is not None
    assert [step for step, _ in answer.table] == [10, 20, 30, 50]


def test_ones_own_spread_and_pace_decide() -> None:
    now = timezone.now()
    minutes = [30 * math.exp(0.1 * (number % 7)) for number in range(42)]
    for number, length in enumerate(minutes):
        making.happened("checkout", now - timedelta(days=70 - number, hours=12), minutes=length)
    making.happened("checkout", now - timedelta(days=5), minutes=3, is_drill=True)
    making.happened("other", now - timedelta(days=5), minutes=9999)
    answer = calculator.answer("time_to_resolve", 20, "checkout")
    spread = float(np.log(minutes).std(ddof=1))
    assert f"standard deviation of {spread:.2f}" in answer.spread
    assert answer.needed == power.needed(power.Durations(sd_ln=spread), effect=0.2)
    assert answer.needed is not None
    assert answer.weeks == math.ceil(answer.needed / (42 / 70.5 * 7))
    assert "42 incidents in the last 7" in answer.pace


def test_counts_cannot_be_told_without_services_to_compare_with() -> None:
    making.happened("checkout", timezone.now() - timedelta(days=5))
    answer = calculator.answer("incident_count", 50, "checkout")
    assert answer.needed is None
    assert "0 services of the same tier" in answer.spread
    for number in range(25):
        making.happened(f"other{number}", timezone.now() - timedelta(days=5))
    assert calculator.answer("incident_count", 50, "checkout").needed is not None


def test_service_days_are_asked_of_the_very_test_of_replays() -> None:
    answer = calculator.answer("false_alarms_per_day", 50)
    assert answer.needed is not None
    plan = calculator.ServiceDays()
    assert plan.power(0.5, answer.needed, 0.05) >= 0.8 > plan.power(0.5, answer.needed - 1, 0.05)
    assert answer.unit == "service-days with a false alarm"
    assert calculator.answer("remediation_success", 50).needed is not None


def test_the_page_answers_and_htmx_gets_the_answer_alone() -> None:
    client = signed_in(somebody(Role.VIEWER))
    page = client.get("/impact/power").content.decode()
    assert "Power calculator" in page
    assert "incidents on each side" in page
    fragment = client.get(
        "/impact/power?metric=incident_count&effect=30", headers={"HX-Request": "true"}
    ).content.decode()
    assert "<html" not in fragment
    assert "No number would do" in fragment


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("effect=0", "greater than or equal to 5"),
        ("effect=much", "whole number"),
        ("metric=recall", "not one of the available choices"),
        ("service=nowhere", "There is no such service"),
        ("service=%00", "ull characters"),
    ],
)
def test_a_wrong_question_names_its_field_and_keeps_what_was_typed(query: str, words: str) -> None:
    client = signed_in(somebody(Role.VIEWER))
    answer = client.get(f"/impact/power?{query}")
    assert answer.status_code == 422
    assert words in answer.content.decode()
    fragment = client.get(f"/impact/power?{query}", headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    assert words in fragment.content.decode()
