from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from apps.accounts.models import Role
from apps.actions import services as actions
from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from apps.common.errors import InvalidInputError, require
from apps.evaluation import comparison
from apps.impact import directory, measuring, panels, services
from apps.impact.models import Verdict
from apps.impact.services import NotMeasurableError
from apps.insights.models import Insight
from apps.insights.services import revise_insight, withdraw_insight
from apps.notices.models import Notice
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel
from tests.actions.making import opened, somebody
from tests.insights.making import approve, draft, person

from . import making

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
Outcome = Verdict.Outcome


@pytest.mark.parametrize(
    ("words", "aim", "wanted"),
    [
        (making.SHORT_BURSTS, making.FALSE_ALARMS, Outcome.IMPROVED),
        (making.ONLY_DROPS, making.RECALL, Outcome.WORSE),
        (making.HIGHER, making.RECALL, Outcome.NO_EVIDENCE),
        (making.QUEUE, making.FALSE_ALARMS, Outcome.TOO_FEW_DATA),
    ],
)
def test_the_generated_shop_gives_each_verdict(
    words: dict[str, Any], aim: dict[str, Any], wanted: str
) -> None:
    making.shop()
    insight = making.lesson(words)
    verdict = making.measured(making.finished(insight, **aim))
    assert verdict.verdict == wanted, verdict.reason
    assert (verdict.insight, verdict.revision, verdict.turn, verdict.look) == (insight, 1, 1, 1)
    assert verdict.release is not None
    assert len(verdict.split_hash) == 64
    assert verdict.report["longest_days"] > 10
    assert directory.outcomes([verdict.action_id])[verdict.action_id][0] == wanted


def test_fewer_false_alarms_for_lost_incidents_are_no_improvement() -> None:
    making.shop()
    insight = making.lesson(making.ONLY_DROPS)
    verdict = making.measured(making.finished(insight))
    alarms = verdict.report["false_alarms"]
    assert alarms["after"] < alarms["before"] / 2
    assert verdict.verdict == Outcome.WORSE
    assert "incidents are missed now" in verdict.reason


def test_owner_and_author_hear_of_the_verdict_once() -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    action = making.finished(insight)
    making.measured(action)
    told = Notice.objects.filter(kind="impact.verdict")
    assert {notice.person for notice in told} == {action.owner, insight.author}
    assert AuditRecord.objects.filter(action="verdict_recorded").count() == 1


def test_a_repeated_task_adds_nothing() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    payload = {"action": action.pk, "turn": 1}
    for _ in range(3):
        services.judge_action(key=f"{action.pk}:1", payload=payload)
    making.measured(action)
    assert Verdict.objects.count() == 1
    assert Notice.objects.filter(kind="impact.verdict").count() == 2


def test_each_time_it_is_done_and_each_further_look_is_a_row_of_its_own() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    making.measured(action)
    judge = somebody(Role.REVIEWER)
    for _ in range(2):  # a double click
        services.measure_again(action_id=action.pk, actor=judge)
    making.measured(action)
    actions.reopen(action_id=action.pk, actor=action.owner)
    with pytest.raises(NotMeasurableError):
        services.measure_again(action_id=action.pk, actor=judge)
    actions.mark_done(action_id=action.pk, actor=action.owner)
    making.measured(action)
    looks = list(Verdict.objects.order_by("pk").values_list("turn", "look"))
    assert looks == [(1, 1), (1, 2), (2, 3)]
    figures = set(Verdict.objects.values_list("effect", "n", "split_hash"))
    assert len(figures) == 1, "the same replay gives the same figures"


def test_what_cannot_be_replayed_gets_no_verdict() -> None:
    making.shop(making.QUEUE_SERIES)
    prose = making.lesson({"signals": [], "prose_reason": "A habit."}, served=False)
    nowhere = making.lesson({"scope": {"series": ["other/place"]}})
    proposed = making.lesson(making.QUEUE, served=False)
    bare = opened()
    actions.mark_done(action_id=bare.pk, actor=bare.owner)
    for action, why in (
        (bare, "No insight"),
        (making.finished(prose), "prose"),
        (making.finished(nowhere), "samples"),
        (making.finished(proposed), "was never served"),
    ):
        services.judge_action(key=f"{action.pk}:1", payload={"action": action.pk, "turn": 1})
        action.refresh_from_db()
        assert why in services.obstacle(action)
    services.judge_action(key="gone", payload={"action": 999_999, "turn": 1})
    assert not Verdict.objects.exists()


def test_what_was_done_before_it_was_served_is_measured_when_somebody_asks() -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE, served=False)
    action = making.finished(insight)
    outbox.drain()
    approve(insight)
    judge = somebody(Role.REVIEWER)
    assert panels.of_action(action).state == "unmeasured"
    for _ in range(2):  # a double click
        services.measure_again(action_id=action.pk, actor=judge)
    assert panels.of_action(action).state == "pending"
    assert making.measured(action).look == 1
    assert panels.of_action(action).state == "measured"


def test_only_the_newest_revision_that_was_served_is_measured() -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    author = insight.author
    revised = draft(author, **{**making.QUEUE, "title": "Later still"})
    revise_insight(insight_id=insight.pk, draft=revised, author=author)
    assert require(measuring.subject(Insight.objects.get(pk=insight.pk)), "one").number == 1


def test_an_action_that_is_no_longer_done_or_was_done_again_gets_no_verdict_for_the_old_request() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    actions.reopen(action_id=action.pk, actor=action.owner)
    services.judge_action(key=f"{action.pk}:1", payload={"action": action.pk, "turn": 1})
    assert not Verdict.objects.exists()
    actions.mark_done(action_id=action.pk, actor=action.owner)
    services.judge_action(key=f"{action.pk}:1", payload={"action": action.pk, "turn": 1})
    assert not Verdict.objects.exists()
    services.judge_action(key=f"{action.pk}:2", payload={"action": action.pk, "turn": 2})
    assert Verdict.objects.get().turn == 2


def test_looks_are_counted_over_the_actions_on_an_insight_and_p_is_multiplied() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    insight = making.lesson(making.SHORT_BURSTS)
    first = making.measured(making.finished(insight))
    other = making.measured(making.finished(insight, **making.RECALL))
    second = making.measured(making.finished(insight))
    assert (first.look, other.look, second.look) == (1, 1, 2), "by insight and metric"
    assert second.p == pytest.approx(2 * (first.p or 0))


def test_what_was_measured_keeps_its_aim() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    making.measured(action)
    action = actions.reopen(action_id=action.pk, actor=action.owner)
    for changes in ({"smallest_effect": 0.8}, making.RECALL, {"smallest_effect": None}):
        with pytest.raises(InvalidInputError, match="has a verdict"):
            actions.amend_action(
                action_id=action.pk, seen_version=action.version, actor=action.owner, **changes
            )
    kept = actions.amend_action(
        action_id=action.pk,
        seen_version=action.version,
        actor=action.owner,
        title="Clearer",
        **making.FALSE_ALARMS,
    )
    assert kept.title == "Clearer"


def test_before_is_what_others_serve_and_after_adds_this_insight() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    making.lesson(making.SHORT_BURSTS)
    same = making.replayed(making.lesson({**making.SHORT_BURSTS, "title": "The same again"}))
    assert same.false_alarms == (0, 0), "another insight does it already"


def test_a_narrower_insight_keeps_the_word_over_a_wide_one() -> None:
    making.shop(making.QUEUE_SERIES)
    making.lesson(making.QUEUE)
    wide = {
        **making.QUEUE,
        "scope": {"fleet": True},
        "signals": [{"kind": "persistence", "value": {"k": 1, "n": 1}}],
    }
    insight = making.lesson(wide)
    found = making.replayed(insight)
    withdraw_insight(insight_id=insight.pk, actor=person(Role.OPERATOR), reason="To see.")
    for one in (found, making.replayed(insight)):
        assert one.false_alarms[0] == one.false_alarms[1]


def test_an_insight_that_was_withdrawn_is_measured_by_what_it_was() -> None:
    making.shop(*making.SHORT_BURSTS["scope"]["series"])
    insight = making.lesson(making.SHORT_BURSTS)
    served = making.replayed(insight)
    withdraw_insight(insight_id=insight.pk, actor=person(Role.OPERATOR), reason="To see.")
    assert making.replayed(insight).blocks == served.blocks
    assert sum(block.before != block.after for block in served.blocks) >= 12


def test_service_days_sum_up_to_the_false_alarms_that_are_shown() -> None:
    making.shop()
    found = making.replayed(making.lesson(making.HIGHER))
    assert found.false_alarms == (
        sum(block.before for block in found.blocks),
        sum(block.after for block in found.blocks),
    )
    assert len({(block.service, block.day) for block in found.blocks}) == len(found.blocks)
    assert max(block.before for block in found.blocks) > 1, "several series of one service on one day"
    for series in found.series:
        counts = comparison.compare(series.series_id, {}, {"theta_log2": 1.0}).test
        assert (counts[0].false_alarms, counts[1].false_alarms) == series.false_alarms


def test_drills_never_count_and_incidents_of_the_hold_out_do() -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    late = OutcomeLabel.objects.filter(series="payments/queue_depth", kind="incident").latest("start_at")
    start_us = reading.to_us(late.start_at)
    OutcomeLabel.objects.filter(pk=late.pk).update(is_drill=True)
    rehearsed = making.replayed(insight)
    assert rehearsed.excluded["drills"] == 1
    assert start_us not in {one.seen[0].interval.start_us for one in rehearsed.incidents}
    OutcomeLabel.objects.filter(pk=late.pk).update(is_drill=False, is_holdout=True)
    kept = making.replayed(insight)
    assert kept.excluded["drills"] == 0
    assert start_us in {one.seen[0].interval.start_us for one in kept.incidents}
    assert kept.false_alarms[0] == rehearsed.false_alarms[0] - 1, "what was a false alarm is an incident now"


def test_verdicts_are_for_ever_and_hold_together() -> None:
    making.shop(making.QUEUE_SERIES)
    verdict = making.measured(making.finished(making.lesson(making.QUEUE)))
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        Verdict.objects.update(verdict="improved")
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        verdict.delete()
    row = {
        field.attname: getattr(verdict, field.attname)
        for field in Verdict._meta.concrete_fields
        if field.attname not in {"id", "evaluated_at"}
    } | {"request": "another", "look": 2}
    for wrong in (
        {"request": verdict.request},
        {"look": 1},
        {"verdict": "splendid"},
        {"metric": "mood"},
        {"p": 1.5},
        {"low": 2.0, "high": 1.0},
        {"verdict": "worse", "p": None},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Verdict.objects.create(**row | wrong)


def test_an_author_sees_the_verdicts_of_own_insights() -> None:
    making.shop(making.QUEUE_SERIES)
    insight = making.lesson(making.QUEUE)
    making.measured(making.finished(insight))
    assert Verdict.objects.visible_to(insight.author).of_author(insight.author).count() == 1
    assert Verdict.objects.of_author(somebody()).count() == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_one_task_keep_one_verdict() -> None:
    making.shop(making.QUEUE_SERIES)
    action = making.finished(making.lesson(making.QUEUE))
    barrier, failed = threading.Barrier(2), []

    def work() -> None:
        barrier.wait()
        try:
            services.judge_action(key=f"{action.pk}:1", payload={"action": action.pk, "turn": 1})
        except Exception as error:  # noqa: BLE001  # told below, in the test's own thread
            failed.append(error)
        finally:
            connection.close()

    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    assert Verdict.objects.count() == 1
    assert Outbox.objects.filter(kind="impact.judge_action").count() == 1
