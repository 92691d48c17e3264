"""Shadow runs: who starts one and what is frozen, what is read and when, what it finds, and how it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.catalog import services as catalog
from apps.common.errors import DomainError
from apps.features.models import Release
from apps.insights import services, waiting
from apps.insights.models import Finding, GateOverride, Insight, ShadowReading, ShadowRun
from apps.insights.services import observing
from apps.notices.models import Notice
from apps.telemetry.models import OutcomeLabel
from tests.insights.making import WHY, approve, draft, person, propose
from tests.insights.streams import BOTH, LATENCY, ORDERS, SPARE_BURSTS, label, midnight, stream

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

DAY = timedelta(days=1)
DAYS = 20


def begin(insight: Insight, actor: User | None = None, **words: Any) -> ShadowRun:
    values: dict[str, Any] = {
        "insight_id": insight.pk,
        "actor": actor or person(Role.REVIEWER),
        "hypothesis": "Bursts that pass by themselves wake nobody, and no incident is lost.",
        "metric": "false_alarms_per_day",
        "smallest_effect": 0.5,
        "ends_at": timezone.now() + DAYS * DAY,
        "override_reason": WHY,
    }
    return services.start_shadow(**(values | words))


def live(days: int = DAYS + 2, *, incidents: tuple[int, ...] = (3, 9, 15), **words: Any) -> datetime:
    """Two weeks of history and `days` to come, of both services; the midnight of today."""
    today = midnight(timezone.now())
    for seed, series_id in enumerate((LATENCY, ORDERS), start=1):
        stream(
            series_id,
            today - 14 * DAY,
            14 + days,
            incidents=[14 + day for day in incidents],
            seed=seed,
            **words,
        )
    return today


def lesson(**words: Any) -> Insight:
    return propose(**{"scope": BOTH, "signals": SPARE_BURSTS, **words})


def after(run: ShadowRun, days: float) -> int:
    return observing.observe(run.pk, now=run.starts_at + timedelta(days=days))


def refused(insight: Insight, actor: User | None = None, **words: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        begin(insight, actor, **words)
    return caught.value


# --- starting ---------------------------------------------------------------------------------------
def test_a_run_is_registered_and_the_insight_says_so():
    insight, reviewer = lesson(), person(Role.REVIEWER)
    run = begin(insight, reviewer)
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("shadow", None)
    assert AuditRecord.objects.filter(action="shadow_started", actor=reviewer.username).exists()
    assert Notice.objects.filter(person=insight.author, kind="insights.shadow", text__contains=run.hypothesis)
    assert not Release.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"hypothesis": "Whatever comes out"},
        {"metric": "recall"},
        {"smallest_effect": 0.01},
        {"ends_at": timezone.now() + 90 * DAY},
        {"starts_at": timezone.now() - 90 * DAY},
    ],
)
def test_what_was_registered_is_frozen_by_the_database(change):
    run = begin(lesson())
    with pytest.raises(DatabaseError), transaction.atomic():
        ShadowRun.objects.filter(pk=run.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ShadowRun.objects.filter(pk=run.pk).delete()


def test_a_closed_run_stays_closed():
    insight = lesson()
    run = begin(insight)
    services.stop_shadow(insight_id=insight.pk, actor=person(Role.OPERATOR), reason="A sale begins.")
    for change in ({"outcome": "improved"}, {"ended_at": None, "ended_by": "", "ending": ""}):
        with pytest.raises(DatabaseError), transaction.atomic():
            ShadowRun.objects.filter(pk=run.pk).update(**change)


def test_neither_authors_nor_others_than_judges_start_one():
    author = person(Role.REVIEWER, Role.OPERATOR)
    insight = lesson(author=author)
    assert refused(insight, author).code == "self_approval"
    assert refused(insight, person(Role.RESPONDER)).code == "role_required"
    assert not ShadowRun.objects.exists()


def test_the_database_refuses_an_author_and_a_run_without_a_gate():
    author = person(Role.REVIEWER)
    insight = lesson(author=author)
    revision = insight.revisions.get()
    words = {
        "revision": revision, "hypothesis": "x", "metric": "recall", "smallest_effect": 0.5,
        "starts_at": timezone.now(), "ends_at": timezone.now() + DAY,
        "gate_result": revision.gate_results.get(),
    }  # fmt: skip
    with pytest.raises(DatabaseError, match="no passed gate"), transaction.atomic():
        ShadowRun.objects.create(**words, started_by=person(Role.REVIEWER))
    GateOverride.objects.create(revision=revision, author=author, reason=WHY)
    with pytest.raises(DatabaseError, match="an author"), transaction.atomic():
        ShadowRun.objects.create(**words, started_by=author)


def test_without_a_passed_gate_somebody_writes_why():
    error = refused(lesson(), override_reason="")
    assert (error.code, error.field) == ("gate_required", "override_reason")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"hypothesis": " … "}, "hypothesis"),
        ({"hypothesis": "x" * 2001}, "hypothesis"),
        ({"hypothesis": "a\0"}, "hypothesis"),
        ({"metric": "time_to_detect"}, "metric"),
        ({"smallest_effect": 0.0}, "smallest_effect"),
        ({"smallest_effect": 1.0}, "smallest_effect"),
        ({"smallest_effect": float("nan")}, "smallest_effect"),
        ({"ends_at": timezone.now()}, "ends_at"),
        ({"ends_at": timezone.now() + 200 * DAY}, "ends_at"),
        ({"starts_at": timezone.now() - DAY}, "starts_at"),
        ({"starts_at": timezone.now() + 40 * DAY, "ends_at": timezone.now() + 50 * DAY}, "starts_at"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(words, field):
    insight = lesson()
    assert refused(insight, **words).field == field
    assert Insight.objects.get(pk=insight.pk).state == "proposed"
    assert not ShadowRun.objects.exists()


def test_a_run_does_not_outlive_its_insight():
    assert refused(lesson(expires_at=timezone.now() + 10 * DAY)).field == "ends_at"


def test_what_is_over_served_running_or_prose_is_not_tried():
    assert refused(approve(lesson())).code == "already_approved"
    turned_down = lesson()
    services.reject_insight(insight_id=turned_down.pk, reviewer=person(Role.REVIEWER), reason="No.")
    assert refused(turned_down).code == "turned_down"
    withdrawn = lesson()
    services.withdraw_insight(insight_id=withdrawn.pk, actor=person(Role.REVIEWER), reason="No.")
    assert refused(withdrawn).code == "insight_withdrawn"
    running = lesson()
    begin(running)
    assert refused(running).code == "shadow_running"
    assert refused(lesson(signals=[], prose_reason="A habit of people.")).code == "no_signal"


def test_a_start_inside_a_protected_window_is_refused_with_the_next_free_moment():
    now = timezone.now()
    stream(LATENCY, midnight(now), 1)
    operator = person(Role.OPERATOR)
    catalog.add_window(
        service="checkout", start_at=now - DAY, end_at=now + DAY, reason="Christmas sale", actor=operator
    )
    catalog.add_window(start_at=now + DAY, end_at=now + 2 * DAY, reason="Freeze", actor=operator)
    insight = lesson()
    error = refused(insight)
    assert (error.code, error.field) == ("protected_window", "starts_at")
    assert "Christmas sale" in error.detail
    free = now + 2 * DAY
    assert f"{free:%Y-%m-%d %H:%M}" in str(error.remedy)
    assert not ShadowRun.objects.exists()
    assert Insight.objects.get(pk=insight.pk).state == "proposed"
    begin(insight, starts_at=free + timedelta(minutes=1), ends_at=free + 5 * DAY)


def test_approval_is_not_affected_by_a_protected_window():
    now = timezone.now()
    catalog.add_window(start_at=now - DAY, end_at=now + DAY, reason="Freeze", actor=person(Role.OPERATOR))
    assert approve(lesson()).state == "approved"


# --- reading ----------------------------------------------------------------------------------------
def test_each_service_day_is_read_once_when_it_is_over_and_settled():
    live()
    run = begin(lesson())
    assert after(run, 0.9) == 0  # today is not over
    read = after(run, 4)
    assert read == 2 * ShadowReading.objects.values("day").distinct().count() > 0
    assert after(run, 4) == 0
    kept = list(ShadowReading.objects.values_list("pk", "data_hash"))
    assert after(run, 5) == 2
    assert (
        list(ShadowReading.objects.filter(pk__in=[pk for pk, _ in kept]).values_list("pk", "data_hash"))
        == kept
    )
    days = sorted(set(ShadowReading.objects.values_list("day", flat=True)))
    assert days[0] == run.starts_at.date()
    assert days == [days[0] + number * DAY for number in range(len(days))]


def test_nothing_from_before_the_start_counts():
    today = midnight(timezone.now())
    stream(LATENCY, today - 14 * DAY, 14)
    run = begin(lesson())
    assert after(run, 5) == 0
    assert not ShadowReading.objects.exists()


def test_readings_are_append_only():
    live(4, incidents=())
    run = begin(lesson())
    after(run, 3)
    with pytest.raises(DatabaseError), transaction.atomic():
        ShadowReading.objects.update(false_after=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        ShadowReading.objects.all().delete()


def test_a_protected_window_pauses_reading_and_its_time_does_not_count():
    live()
    run = begin(lesson())
    third = midnight(run.starts_at) + 3 * DAY
    catalog.add_window(
        service="checkout", start_at=third, end_at=third + DAY, reason="Sale", actor=person(Role.OPERATOR)
    )
    assert observing.observe(run.pk, now=third + timedelta(hours=1)) == 0  # inside: it waits
    after(run, 8)
    inside = ShadowReading.objects.get(day=third.date(), service="checkout")
    assert (inside.samples, inside.paused) == (0, 144)
    assert (inside.false_before, inside.incidents) == (0, 0)
    outside = ShadowReading.objects.get(day=third.date(), service="cart")
    assert (outside.samples, outside.paused, outside.false_before, outside.incidents) == (144, 0, 1, 1)


def test_drills_and_hold_out_incidents_are_not_there():
    today = live(incidents=())
    run = begin(lesson())
    label(LATENCY, today + timedelta(days=2, hours=12), is_drill=True)
    label(LATENCY, today + timedelta(days=3, hours=12), is_holdout=True)
    after(run, 8)
    assert OutcomeLabel.objects.count() == 2
    assert not any(ShadowReading.objects.values_list("incidents", flat=True))


# --- what it finds ----------------------------------------------------------------------------------
def test_a_good_signal_is_found_and_the_finding_noted_once():
    live()
    insight = lesson()
    run = begin(insight)
    after(run, DAYS + 0.5)  # its time is over, its last day still settles
    run.refresh_from_db()
    assert run.open
    after(run, DAYS + 1.1)
    run.refresh_from_db()
    insight.refresh_from_db()
    assert (run.outcome, run.ending, run.ended_by) == ("improved", "finished", "clock"), run.outcome_reason
    assert run.n is not None
    assert run.n >= 12
    assert run.high is not None
    assert run.high < 0
    assert insight.state == "proposed"
    finding = Finding.objects.get()
    assert (finding.source, finding.outcome, finding.n) == ("shadow", "improved", run.n)
    assert observing.observe(run.pk, now=timezone.now() + 90 * DAY) == 0
    assert Finding.objects.count() == 1
    assert not Release.objects.exists()
    assert Notice.objects.filter(kind="insights.shadow", title__startswith="Shadow run, improved").exists()


def test_a_signal_that_loses_incidents_is_found_out_and_that_is_kept():
    live(incidents=tuple(range(1, 20)))
    insight = lesson(signals=[{"kind": "min_effect", "value": {"rel": 3.0}}])
    run = begin(insight)
    after(run, DAYS + 1.1)
    run.refresh_from_db()
    assert run.outcome == "worse"
    assert "missed" in run.outcome_reason
    assert Finding.objects.get().outcome == "worse"


def test_too_little_is_said_to_be_too_little():
    live(5, incidents=())
    run = begin(lesson(), ends_at=timezone.now() + 3 * DAY)
    after(run, 5)
    run.refresh_from_db()
    assert run.outcome == "too_few_data"
    assert "at least 12 are needed" in run.outcome_reason


def test_while_another_revision_is_served_the_finding_waits_and_nothing_served_changes():
    live(incidents=tuple(range(1, 20)))
    insight = approve(lesson())
    author = insight.author
    services.revise_insight(
        insight_id=insight.pk,
        draft=draft(author, scope=BOTH, signals=[{"kind": "min_effect", "value": {"rel": 3.0}}]),
        author=author,
    )
    run = begin(insight, metric="recall")
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("approved", 1)
    before = list(Release.objects.values_list("number", "digest"))
    after(run, DAYS + 1.1)
    run.refresh_from_db()
    assert run.outcome == "worse"
    assert list(Release.objects.values_list("number", "digest")) == before
    assert not Finding.objects.exists()
    approve(insight)
    assert Finding.objects.get().reference == f"shadow:{run.pk}"


# --- ending -----------------------------------------------------------------------------------------
def test_it_is_stopped_with_a_reason_and_kept_without_a_verdict():
    live(6)
    insight = lesson()
    run = begin(insight)
    after(run, 4)
    stopper = person(Role.OPERATOR)
    with pytest.raises(DomainError) as caught:
        services.stop_shadow(insight_id=insight.pk, actor=stopper, reason=" ")
    assert caught.value.field == "reason"
    services.stop_shadow(insight_id=insight.pk, actor=stopper, reason="A sale begins.")
    run.refresh_from_db()
    insight.refresh_from_db()
    assert (run.ending, run.ended_by, run.outcome) == ("stopped", stopper.username, "")
    assert run.readings.exists()
    assert insight.state == "proposed"
    assert not Finding.objects.exists()
    with pytest.raises(DomainError) as caught:
        services.stop_shadow(insight_id=insight.pk, actor=stopper, reason="Again.")
    assert caught.value.code == "no_shadow_run"
    begin(insight)  # and another may begin


def test_an_author_does_not_stop_what_goes_against_them():
    author = person(Role.REVIEWER)
    insight = lesson(author=author)
    begin(insight)
    with pytest.raises(DomainError) as caught:
        services.stop_shadow(insight_id=insight.pk, actor=author, reason="I do not like it.")
    assert caught.value.code == "self_approval"


def test_approval_is_possible_from_shadow_and_ends_the_run():
    insight = lesson()
    run = begin(insight)
    approve(insight)
    run.refresh_from_db()
    insight.refresh_from_db()
    assert (insight.state, run.ending, run.outcome) == ("approved", "approved", "")


@pytest.mark.parametrize(
    ("deed", "ending", "state"),
    [
        (lambda pk: services.reject_insight(insight_id=pk, reviewer=person(Role.REVIEWER), reason="No."),
         "turned_down", "rejected"),
        (lambda pk: services.withdraw_insight(insight_id=pk, actor=person(Role.REVIEWER), reason="No."),
         "withdrawn", "withdrawn"),
        (lambda pk: services.revise_insight(insight_id=pk, draft=draft(person(Role.RESPONDER)),
                                            author=person(Role.RESPONDER)), "revised", "proposed"),
    ],
)  # fmt: skip
def test_a_no_a_withdrawal_and_a_revision_end_the_run(deed, ending, state):
    insight = lesson()
    run = begin(insight)
    deed(insight.pk)
    run.refresh_from_db()
    insight.refresh_from_db()
    assert (run.ending, insight.state) == (ending, state)


def test_what_is_in_shadow_waits_for_reviewers_too():
    insight, reviewer = lesson(), person(Role.REVIEWER)
    begin(insight)
    assert [row.insight_id for row in waiting.queue(reviewer).to_review] == [insight.pk]
