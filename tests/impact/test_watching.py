"""The prospective test on served insights: what it reads, what it withdraws, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.accounts.models import Role
from apps.audit.models import AuditRecord, Outbox
from apps.common.errors import require
from apps.features import releases
from apps.features.models import Release
from apps.impact import watching
from apps.impact.models import WatchDay, WatchLook
from apps.insights import services
from apps.insights.models import Finding, Insight
from apps.notices.models import Notice
from tests.insights.making import approve, draft, person, propose
from tests.insights.streams import BOTH, LATENCY, ORDERS, SPARE_BURSTS, label, midnight, stream
from tests.people import api_of
from tests.reading import queries, signed_in, text_of

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

DAY = timedelta(days=1)
LOUDER: list[dict[str, Any]] = [
    {"kind": "theta_scale", "value": -1.0},
    {"kind": "min_effect", "value": {"rel": 0.1}},
]
QUIET: dict[str, Any] = {"height": 120}  # bursts that only a louder detector hears
DEAF: list[dict[str, Any]] = [{"kind": "min_effect", "value": {"rel": 3.0}}]


def live(days: int = 30, **words: Any) -> datetime:
    """Two weeks of history and `days` to come, of both services; the midnight of today."""
    today = midnight(timezone.now())
    incidents = [14 + day for day in words.pop("incidents", ())]
    for seed, series_id in enumerate((LATENCY, ORDERS), start=1):
        stream(series_id, today - 14 * DAY, 14 + days, incidents=incidents, seed=seed, **words)
    return today


def served(signals: list[dict[str, Any]], **words: Any) -> Insight:
    return approve(propose(scope=BOTH, signals=signals, **words))


def later(days: float) -> datetime:
    return timezone.now() + timedelta(days=days)


def test_an_insight_that_helps_is_watched_found_better_and_left_alone() -> None:
    live(incidents=(4, 9))
    insight = served(SPARE_BURSTS)
    look = watching.watch(insight.pk, now=later(25))
    assert look is not None
    assert (look.decision, look.withdrawn_by) == ("improved", None)
    assert look.high is not None
    assert look.high < 0
    assert look.false_after < look.false_before
    assert (look.incidents, look.lost) == (4, 0)
    insight.refresh_from_db()
    assert insight.state == "approved"
    assert Finding.objects.get().outcome == "improved"
    watching.watch(insight.pk, now=later(26))
    assert Finding.objects.count() == 1


def test_each_day_is_read_and_looked_at_once() -> None:
    live()
    insight = served(SPARE_BURSTS)
    assert watching.watch_all(later(0.5)) == 0
    assert watching.watch_all(later(5)) == 1
    kept = list(WatchDay.objects.values_list("pk", "data_hash"))
    assert watching.watch_all(later(5)) == 0
    assert watching.watch(insight.pk, now=later(6)) is not None
    assert list(WatchDay.objects.order_by("pk").values_list("pk", "data_hash"))[: len(kept)] == sorted(kept)
    first, second = WatchLook.objects.order_by("pk")
    assert second.through == first.through + DAY
    assert second.days == first.days + 1
    for model in (WatchDay, WatchLook):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.update(lost=0)
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_a_signal_that_pays_too_much_is_withdrawn_by_the_test_with_its_figures() -> None:
    live(**QUIET)
    reviewer, operator, bystander = (
        person(Role.REVIEWER),
        person(Role.OPERATOR),
        person(Role.REVIEWER),
    )
    insight = approve(propose(scope=BOTH, signals=LOUDER), reviewer, operator)
    numbers = list(Release.objects.values_list("number", flat=True))
    look = watching.watch(insight.pk, now=later(28))
    assert look is not None
    assert look.decision == "worse", (look.n, look.effect, look.low)
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("withdrawn", None)
    release = Release.objects.get(number=require(look.withdrawn_by, "the release"))
    assert release.number == numbers[-1] + 1
    assert (release.kind, release.author, release.manifest) == ("withdraw", "prospective test", [])
    assert releases.current() == {}
    assert Outbox.objects.filter(kind="features.publish", key=str(release.number)).exists()
    line = AuditRecord.objects.get(action="insight_withdrawn")
    assert line.actor == "prospective test"
    assert str(look.n) in line.content()["reason"]
    told = Notice.objects.filter(kind="insights.ended", title__startswith="Withdrawn by the prospective test")
    assert {notice.person for notice in told} >= {insight.author, reviewer, operator, bystander}
    assert all("false alarms with it" in notice.text for notice in told)
    finding = Finding.objects.get()
    assert (finding.source, finding.outcome) == ("prospective", "worse")
    assert watching.watch(insight.pk, now=later(40)) is None


def test_a_signal_that_loses_incidents_is_withdrawn() -> None:
    live(bursts=False, incidents=tuple(range(1, 28)))
    insight = served(DEAF)
    look = watching.watch(insight.pk, now=later(12))
    assert look is not None
    assert look.decision == "losing"
    assert look.lost >= 8
    insight.refresh_from_db()
    assert insight.state == "withdrawn"


def test_little_telemetry_decides_nothing() -> None:
    live(6, **QUIET)
    look = watching.watch(served(LOUDER).pk, now=later(8))
    assert look is not None
    assert (look.decision, look.effect) == ("too_few_data", None)


def test_a_newer_revision_that_waits_keeps_waiting() -> None:
    live(**QUIET)
    insight = served(LOUDER)
    services.revise_insight(
        insight_id=insight.pk, draft=draft(insight.author, scope=BOTH), author=insight.author
    )
    watching.watch(insight.pk, now=later(28))
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("proposed", None)


def test_after_a_revert_it_is_watched_anew() -> None:
    live(**QUIET)
    operator = person(Role.OPERATOR)
    insight = served(LOUDER)
    first = Release.objects.latest("number").number
    watching.watch(insight.pk, now=later(28))
    services.revert_release(number=first, actor=operator, reason="We want it all the same.")
    insight.refresh_from_db()
    period = watching.served_since(insight)
    assert period is not None
    assert period.release == first + 2
    assert period.since == Release.objects.get(number=first + 2).known_at


def test_drills_and_hold_out_incidents_are_not_there() -> None:
    today = live(bursts=False)
    insight = served(DEAF)
    for day in range(1, 25):
        label(LATENCY, today + timedelta(days=day, hours=12), is_drill=True)
        label(ORDERS, today + timedelta(days=day, hours=12), is_holdout=True)
    look = watching.watch(insight.pk, now=later(25))
    assert look is not None
    assert look.incidents == 0


def test_the_panel_and_the_api_show_the_looks() -> None:
    live(incidents=(4, 9))
    insight = served(SPARE_BURSTS)
    browser = signed_in(person())
    assert "It is watched from now on" in text_of(browser.get(f"/insights/{insight.pk}/watch"))
    for days in (20, 21, 22):
        watching.watch(insight.pk, now=later(days))
    answer = browser.get(f"/insights/{insight.pk}/watch")
    for words in ("Better than without it", "A day pays", "Of 4 incidents", "97.5 %"):
        assert words in text_of(answer)
    assert answer.content.decode().count('data-label="Through"') == 3
    fragment = browser.get(f"/insights/{insight.pk}/watch", headers={"HX-Request": "true"})
    assert "<h1" not in fragment.content.decode()
    assert browser.get("/insights/999999/watch").status_code == 404
    few = queries(browser, f"/insights/{insight.pk}/watch")
    watching.watch(insight.pk, now=later(23))
    assert queries(browser, f"/insights/{insight.pk}/watch") == few

    api = api_of(person())
    items = api.get(f"/api/v1/insights/{insight.pk}/watch").json()["items"]
    assert [item["days"] for item in items] == sorted((item["days"] for item in items), reverse=True)
    assert items[0]["decision"] == "improved"
    assert api.get("/api/v1/insights/999999/watch").status_code == 404
