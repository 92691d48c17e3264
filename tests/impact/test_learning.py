"""Metrics of learning against a small story whose figures are worked out by hand here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from apps.accounts.models import Role
from apps.actions import services as actions
from apps.common.errors import InvalidInputError
from apps.impact import learning
from apps.incidents.models import IncidentTime
from tests.actions.making import opened, somebody
from tests.people import api_of, make_person
from tests.postmortems.making import filed
from tests.reading import signed_in

from . import field_making as making

if TYPE_CHECKING:
    from apps.incidents.models import Incident

pytestmark = [pytest.mark.page, pytest.mark.django_db]
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def incident(start: datetime, *, detect: float | None, resolve: float | None, **more: Any) -> Incident:
    """Detected and resolved so many minutes after it began."""
    found = making.happened("checkout", start, minutes=resolve, **more)
    if detect is not None:
        IncidentTime.objects.create(
            incident=found, kind="detected", status="recorded", at=start + timedelta(minutes=detect)
        )
    return found


def reviewed(found: Incident, days: float) -> None:
    """A review so many days after the incident was over."""
    over = found.times.get(kind="resolved").at
    assert over is not None
    with time_machine.travel(over + timedelta(days=days), tick=False):
        filed(make_person(f"author{found.pk}", Role.RESPONDER), incident_id=found.pk, timeline=[])


def story() -> None:
    """Five incidents of one quarter, two reviews, five actions."""
    first = incident(at(7, 1), detect=10, resolve=60)
    second = incident(at(7, 10), detect=20, resolve=120)
    incident(at(8, 1), detect=30, resolve=240)
    incident(at(9, 28), detect=None, resolve=30)
    incident(at(9, 29), detect=5, resolve=None)
    incident(at(9, 1), detect=1, resolve=2, is_drill=True)
    reviewed(first, 5)
    reviewed(second, 20)
    with time_machine.travel(at(7, 1), tick=False):
        days = [date(2026, 7, 20), date(2026, 7, 20), date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 10)]
        rows = [opened(due_on=day) for day in days]
    with time_machine.travel(at(7, 15), tick=False):
        actions.mark_done(action_id=rows[0].pk, actor=rows[0].owner)
    with time_machine.travel(at(8, 1), tick=False):
        actions.mark_done(action_id=rows[1].pk, actor=rows[1].owner)
        actions.drop_action(
            action_id=rows[3].pk, actor=rows[3].owner, state="not_doing", reason="Bought instead."
        )


def asked() -> dict[str, Any]:
    client = api_of(somebody(), "actions:read")
    path = "/api/v1/learning-metrics?from=2026-07-01&to=2026-09-30"
    with time_machine.travel(NOW, tick=False):
        answer = client.send("GET", path)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_every_figure_is_the_one_worked_out_by_hand() -> None:
    story()
    found = asked()
    assert (found["from"], found["to"]) == ("2026-07-01", "2026-09-30")
    # Reviews: after 5 and 20 days. The third incident waits since August, the fourth for two days only, so
    # its 14 days are not over; the fifth is still open. One of three is on time. Half are reviewed where the
    # curve falls to 1/2: 1 x 2/3 at 5 days, x 1/2 at 20 days, those of 2.5 and 60 days censored. Its lower
    # band on the log-log scale is (2/3)^exp(1.96 sqrt(1/6) / ln 1.5) = .05 at 5 days; the upper stays above.
    assert found["reviews"] == {
        "filed": 2,
        "per_month": [
            {"month": "2026-07", "reviews": 2},
            {"month": "2026-08", "reviews": 0},
            {"month": "2026-09", "reviews": 0},
        ],
        "incidents": 5,
        "incidents_over": 4,
        "reviewed": 2,
        "target_days": 14,
        "within_target": {"n": 3, "on_time": 1, "share": 0.333333},
        "days_to_review": {"median": 20.0, "low": 5.0, "high": None, "n": 4, "not_reviewed": 2},
    }
    # Actions: two of five done; of the four that were due one in time, one late, one not at all, one dropped.
    assert found["actions"] == {
        "opened": 5,
        "done": 2,
        "rate": 0.4,
        "given_up": 1,
        "due": {
            "n": 4,
            "on_time": 1,
            "late": 1,
            "overdue": 1,
            "not_due_yet": 0,
            "given_up": 1,
            "on_time_share": 0.333333,
        },
    }
    (quarter,) = found["reliability"]
    # Detected after 5, 10, 20 and 30 minutes: the curve is at 1/2 after 10. Resolved after 30, 60, 120 and
    # 240 minutes, one open for a day and a half: 4/5, 3/5, 2/5 after 120. Bounds as above: the first moment
    # at which the lower band, .75^7.15 and .8^7.13, is below 1/2; the upper bands never are.
    assert quarter["quarter"] == "2026 Q3"
    assert quarter["incidents"] == 5
    assert quarter["mttd"] == {
        "median_s": 600.0,
        "low_s": 300.0,
        "high_s": None,
        "n": 4,
        "open": 0,
        "excluded": 1,
    }
    assert quarter["mttr"] == {
        "median_s": 7200.0,
        "low_s": 1800.0,
        "high_s": None,
        "n": 5,
        "open": 1,
        "excluded": 0,
    }
    assert quarter["severity"] == {"SEV-2": 5, "unknown": 0}
    assert {test["verdict"] for test in quarter["tests"].values()} == {"too_few_data"}


def test_a_quarter_that_became_faster_and_milder_says_so() -> None:
    for number in range(90):
        day, hour = 1 + number % 28, number % 24
        before = incident(at(4 + number % 3, day, hour), detect=40 + number % 7, resolve=300 + number % 11)
        after = incident(
            at(7 + number % 3, day, hour), detect=8 + number % 7, resolve=60 + number % 11, severity="SEV-4"
        )
        del before, after
    (quarter,) = asked()["reliability"]
    for name in ("mttd", "mttr", "severity"):
        test = quarter["tests"][name]
        assert test["verdict"] == "improved", name
        assert test["power"] > 0.8
        assert test["p"] <= test["p_adjusted"] < 0.05
        assert test["interval"][1] < 0


def test_days_that_are_none_or_out_of_order_are_refused() -> None:
    client = api_of(somebody(), "actions:read")
    for query, field in (
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("from=2026-09-01&to=2026-08-01", "from"),
        ("from=1990-01-01", "from"),
    ):
        answer = client.send("GET", f"/api/v1/learning-metrics?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["field"] == field, answer.json()
    with pytest.raises(InvalidInputError):
        learning.period(date(2026, 2, 1), date(2026, 1, 1), today=date(2026, 3, 1))


def test_the_page_says_the_same_and_keeps_what_was_typed() -> None:
    story()
    client = signed_in(somebody())
    with time_machine.travel(NOW, tick=False):
        page = " ".join(client.get("/impact/learning?from=2026-07-01&to=2026-09-30").content.decode().split())
    assert "1 of 3 incidents" in page
    assert "Median 20 days" in page
    assert "2026 Q3" in page
    assert "too few data" in page
    wrong = client.get("/impact/learning?from=2026-09-01&to=2026-08-01")
    assert wrong.status_code == 422
    assert 'value="2026-09-01"' in wrong.content.decode()
    assert client.get("/impact/learning").status_code == 200
