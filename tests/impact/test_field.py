"""Field evidence: which weeks, which incidents and which services count, and when it is measured."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.db import IntegrityError, transaction

from apps.actions import services as actions
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.catalog.models import Service
from apps.common.errors import DomainError
from apps.impact import asking, due, panels, services
from apps.impact.field import comparing, controls, planning
from apps.impact.models import Verdict
from apps.incidents.attempts import tell_attempt
from apps.incidents.models import Incident
from apps.notices.models import Notice
from apps.telemetry.services import ensure_series
from tests.actions.making import somebody

from . import field_making as making

if TYPE_CHECKING:
    from apps.actions.models import ActionItem

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
Outcome = Verdict.Outcome


def measured(action: ActionItem) -> Verdict:
    """The worker's part at the end of its weeks."""
    with time_machine.travel(making.AFTER_ENDS + timedelta(hours=1), tick=False):
        due.ask()
        outbox.drain()
    return Verdict.objects.get(action=action, report__complete=True)


def test_the_weeks_around_the_action_count_for_neither_side() -> None:
    action = making.done()
    plan = planning.plan(action)
    assert plan.windows.before.end == making.BEFORE_ENDS
    assert plan.windows.after.start == making.AFTER_STARTS
    assert plan.complete_at == making.AFTER_ENDS
    counted = [making.happened("checkout", making.before()), making.happened("checkout", making.after())]
    making.happened("checkout", making.BEFORE_ENDS + timedelta(days=1))
    making.happened("checkout", making.AFTER_STARTS - timedelta(hours=1))
    for flags in ({"is_drill": True}, {"is_holdout": True}, {"kind": "near_miss"}, {"origin": "public"}):
        making.happened("checkout", making.after(3), **flags)
    void = making.happened("checkout", making.after(4))
    Incident.objects.filter(pk=void.pk).update(state="canceled")
    verdict = measured(action)
    report = verdict.report
    assert report["incidents"] == {"before": [counted[0].pk], "after": [counted[1].pk]}
    assert report["excluded"] == {
        "between": 2,
        "drills": 1,
        "hold_out": 1,
        "near_misses": 1,
        "of_others": 1,
    }
    assert verdict.excluded == 6


def test_counts_are_set_against_untouched_services_of_the_tier() -> None:
    action = making.done()
    for number in range(40):
        making.happened("checkout", making.before(number))
    for number in range(21):
        for moment in (making.before(number), making.before(number + 30), making.after(number)):
            making.happened(f"other{number:02}", moment)
        making.happened(f"other{number:02}", making.after(number + 30))
    making.happened("elsewhere", making.after())
    making.service("elsewhere", "tier_3")
    verdict = measured(action)
    assert verdict.evidence == "field"
    assert [one["service"] for one in verdict.report["controls"]] == [f"other{n:02}" for n in range(21)]
    assert verdict.report["controls"][0] == {"service": "other00", "before": 2, "after": 2}
    assert verdict.report["before"] == {"incidents": 40, "days": 84.0}
    assert verdict.report["after"] == {"incidents": 0, "days": 84.0}
    assert verdict.verdict == Outcome.IMPROVED, verdict.reason
    assert verdict.p == pytest.approx(1 / 22)
    assert verdict.effect is not None
    assert verdict.effect < -2


def test_services_that_the_action_has_to_do_with_are_no_controls() -> None:
    action = making.done()
    for slug in ("shares", "treated", "free", "merged"):
        making.service(slug)
    ours = making.happened("checkout", making.before())
    ours.series.add(ensure_series("shares/latency"))
    merged = making.happened("merged", making.after())
    Incident.objects.filter(pk=merged.pk).update(state="merged", merged_into=ours)
    other = making.done("treated")
    assert other.metric == "incident_count"
    young = making.service("young")
    Service.objects.filter(pk=young.pk).update(created_at=making.DONE_AT + timedelta(days=1))
    assert controls.unaffected(action, planning.plan(action)) == ["free"]


def test_without_enough_untouched_services_there_are_too_few_data() -> None:
    action = making.done()
    for number in range(40):
        making.happened("checkout", making.before(number))
    verdict = measured(action)
    assert verdict.verdict == Outcome.TOO_FEW_DATA
    assert "0 untouched services" in verdict.reason
    assert verdict.report["controls"] == []


def test_an_open_incident_is_censored_and_never_dropped() -> None:
    action = making.done(**making.RESOLVE)
    for number in range(40):
        making.happened("checkout", making.before(number), minutes=200 + number % 9)
        making.happened("checkout", making.after(number), minutes=20 + number % 9)
    verdict = measured(action)
    assert verdict.verdict == Outcome.IMPROVED, verdict.reason
    assert verdict.report["after"] == {"incidents": 40, "open": 0, "median_s": 23 * 60}
    for number in range(40):
        making.happened("checkout", making.after(number), minutes=None)
    with time_machine.travel(making.AFTER_ENDS + timedelta(days=1), tick=False):
        again = asking.verdict_on(action.pk, again=True)
    assert again.report["after"]["open"] == 40
    assert "censored" in again.method
    assert again.verdict != Outcome.IMPROVED
    assert again.look == 2


def test_severity_and_automation_are_shares_of_what_is_known() -> None:
    action = making.done(**making.SEVERITY)
    for number in range(30):
        making.happened("checkout", making.before(number), severity="SEV-1")
        making.happened("checkout", making.after(number), severity="SEV-4")
    making.happened("checkout", making.after(), severity="UNKNOWN")
    verdict = measured(action)
    assert verdict.verdict == Outcome.IMPROVED, verdict.reason
    assert verdict.report["before"]["severities"] == {"SEV-1": 30}
    assert verdict.report["excluded"] == {"unknown": 1}


def test_automation_is_shown_over_both_denominators() -> None:
    action = making.done(**making.REMEDIATION)
    by = somebody()
    for number in range(24):
        making.happened("checkout", making.before(number), minutes=20)
        incident = making.happened("checkout", making.after(number), minutes=20)
        tell_attempt(
            incident_id=incident.pk,
            remediation="restart",
            automated=number < 20,
            started_at=incident.occurred_at + timedelta(minutes=1),
            reference="run",
            by=by,
        )
    verdict = measured(action)
    assert verdict.verdict == Outcome.IMPROVED, verdict.reason
    after = verdict.report["after"]
    assert (after["incidents"], after["attempted"], after["succeeded"]) == (24, 20, 20)
    assert after["of_eligible"]["share"] == pytest.approx(20 / 24)
    assert after["of_attempted"]["share"] == 1
    assert verdict.effect == pytest.approx(20 / 24)


def test_it_is_measured_by_itself_once_its_weeks_are_over_and_not_before() -> None:
    action = making.done()
    with time_machine.travel(making.AFTER_ENDS - timedelta(days=1), tick=False):
        assert due.ask() == 0
        outbox.drain()
        assert not Verdict.objects.exists()
        panel = panels.of_action(action)
        assert panel.state == "waiting"
        assert f"{making.AFTER_ENDS:%Y-%m-%d}" in panel.text
        with pytest.raises(DomainError, match="It waits until"):
            asking.verdict_on(action.pk)
    with time_machine.travel(making.AFTER_ENDS + timedelta(hours=1), tick=False):
        assert due.ask() == 1
        assert due.ask() == 1
        outbox.drain()
        assert Verdict.objects.count() == 1
        assert due.ask() == 0
    assert Outbox.objects.filter(kind="impact.judge_action", key__endswith=":due").count() == 1
    assert panels.of_action(action).state == "measured"
    assert {one.person for one in Notice.objects.filter(kind="impact.verdict")} == {action.owner}


def test_an_early_look_is_a_look_and_makes_the_last_one_harder() -> None:
    action = making.done(**making.RESOLVE)
    for number in range(40):
        making.happened("checkout", making.before(number), minutes=200 + number % 9)
        making.happened("checkout", making.after(number), minutes=150 + number % 9)
    operator = action.owner
    with time_machine.travel(making.AFTER_STARTS + timedelta(days=40), tick=False):
        services.measure_again(action_id=action.pk, actor=operator)
        outbox.drain()
    early = Verdict.objects.get(action=action)
    assert early.report["complete"] is False
    assert early.look == 1
    assert "not over yet" in early.reason
    last = measured(action)
    assert last.look == 2
    with time_machine.travel(making.AFTER_ENDS + timedelta(hours=2), tick=False):
        alone = comparing.measure(action, now=making.AFTER_ENDS + timedelta(hours=1), looks=1).estimate
    assert alone.p is not None
    assert last.p == pytest.approx(min(1.0, 2 * alone.p))
    assert last.minimum_detectable_effect is not None
    assert alone.smallest is not None
    assert last.minimum_detectable_effect > alone.smallest


def test_while_it_settles_nobody_can_look() -> None:
    action = making.done()
    with time_machine.travel(making.DONE_AT + timedelta(days=2), tick=False):
        with pytest.raises(DomainError, match="settles until"):
            services.measure_again(action_id=action.pk, actor=action.owner)
        with pytest.raises(DomainError, match="settles until"):
            asking.verdict_on(action.pk, again=True)
    assert not Verdict.objects.exists()


def test_the_database_keeps_the_two_kinds_of_evidence_apart() -> None:
    action = making.done()
    verdict = measured(action)
    values = {
        field.attname: getattr(verdict, field.attname)
        for field in Verdict._meta.concrete_fields
        if field.attname not in {"id", "evaluated_at"}
    }
    wrong: dict[str, dict[str, object]] = {
        "verdict_evidence_fits_the_metric": {"metric": "recall"},
        "verdict_names_split_data_and_code": {"code": " "},
        "verdict_by_replay_is_of_a_revision": {"evidence": "replay", "metric": "recall"},
    }
    for number, (name, change) in enumerate(wrong.items()):
        given = {**values, "request": f"x{number}", "look": 50 + number, **change}
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Verdict.objects.create(**given)


def test_what_was_opened_again_is_measured_when_it_is_done_again() -> None:
    action = making.done()
    measured(action)
    with time_machine.travel(making.AFTER_ENDS + timedelta(days=2), tick=False):
        actions.reopen(action_id=action.pk, actor=action.owner)
        with pytest.raises(DomainError, match="measured once it is done"):
            asking.verdict_on(action.pk)
