from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.audit.models import Outbox
from apps.common.errors import DomainError, NotFoundError
from apps.features import releases
from apps.features.models import Release
from apps.insights import errors, services, stopping
from apps.insights.models import Activation, Approval, GateResult, Insight, Revision
from apps.telemetry.registry import ensure_series
from tests.insights.making import WHY, approve, draft, person, propose

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def test_the_second_of_two_people_makes_the_release():
    insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)

    services.approve_insight(insight_id=insight.pk, approver=reviewer, override_reason=WHY)
    assert Release.objects.count() == 0

    services.approve_insight(insight_id=insight.pk, approver=operator)
    insight.refresh_from_db()
    release = Release.objects.get()
    assert (insight.state, insight.active_revision) == ("approved", 1)
    assert release.manifest == [{"insight": insight.pk, "revision": 1}]
    assert Outbox.objects.filter(kind="features.publish", key=str(release.number)).count() == 1
    content = releases.current()["checkout/latency_p99"]
    assert content.values == {"theta_log2": 1.0, "confidence": 0.4}  # 0.8, halved by the override
    assert content.sources["theta_log2"]["lines"] == [2, 3]
    assert content.sources["theta_log2"]["excerpt"] == "second line\nthird line"
    assert content.sources["theta_log2"]["override"] == WHY


def test_two_reviewers_are_not_enough_without_an_operator():
    insight = approve(propose(), person(Role.REVIEWER), person(Role.REVIEWER))
    assert Release.objects.count() == 0
    approve(insight, person(Role.OPERATOR))
    assert Release.objects.count() == 1


def test_an_author_cannot_approve_even_as_reviewer_and_operator():
    author = person(Role.RESPONDER, Role.REVIEWER, Role.OPERATOR)
    insight = propose(author)
    with pytest.raises(errors.SelfApprovalError):
        services.approve_insight(insight_id=insight.pk, approver=author, override_reason=WHY)
    assert Approval.objects.count() == 0


def test_who_revised_it_cannot_approve_the_revision():
    insight, reviser = propose(), person(Role.REVIEWER)
    services.revise_insight(insight_id=insight.pk, draft=draft(reviser, title="Other words"), author=reviser)
    with pytest.raises(errors.SelfApprovalError):
        services.approve_insight(insight_id=insight.pk, approver=reviser, override_reason=WHY)


def test_nobody_approves_their_own_words_under_somebody_elses_title():
    author, reviser = person(Role.RESPONDER), person(Role.OPERATOR)
    insight = propose(author)
    stronger = draft(reviser, signals=[{"kind": "theta_scale", "value": 3.0}])
    services.revise_insight(insight_id=insight.pk, draft=stronger, author=reviser)
    retitled = draft(author, title="Only the title", signals=[{"kind": "theta_scale", "value": 3.0}])
    services.revise_insight(insight_id=insight.pk, draft=retitled, author=author)
    with pytest.raises(errors.SelfApprovalError):
        services.approve_insight(insight_id=insight.pk, approver=reviser, override_reason=WHY)
    newest = Revision.objects.get(insight=insight, number=3)
    with pytest.raises(IntegrityError, match="author cannot approve"), transaction.atomic():
        Approval.objects.create(revision=newest, approver=reviser, as_operator=True)


def test_a_responder_cannot_approve():
    insight = propose()
    with pytest.raises(errors.RoleRequiredError):
        services.approve_insight(insight_id=insight.pk, approver=person(Role.RESPONDER), override_reason=WHY)


def test_one_person_cannot_be_both():
    insight, operator = propose(), person(Role.OPERATOR, Role.REVIEWER)
    services.approve_insight(insight_id=insight.pk, approver=operator, override_reason=WHY)
    with pytest.raises(errors.AlreadyApprovedError):
        services.approve_insight(insight_id=insight.pk, approver=operator)
    assert Release.objects.count() == 0


def test_without_gate_or_override_the_error_names_the_field():
    insight = propose()
    with pytest.raises(errors.GateRequiredError) as caught:
        services.approve_insight(insight_id=insight.pk, approver=person(Role.REVIEWER), override_reason="  ")
    assert caught.value.field == "override_reason"
    assert Approval.objects.count() == 0


def test_a_withdrawn_insight_cannot_be_approved():
    insight, reviewer = propose(), person(Role.REVIEWER)
    services.withdraw_insight(insight_id=insight.pk, actor=reviewer, reason="wrong")
    with pytest.raises(errors.InsightWithdrawnError):
        services.approve_insight(insight_id=insight.pk, approver=reviewer, override_reason=WHY)


def test_a_changed_insight_needs_both_approvals_anew():
    author, reviewer, operator = person(Role.RESPONDER), person(Role.REVIEWER), person(Role.OPERATOR)
    insight = propose(author)
    services.approve_insight(insight_id=insight.pk, approver=reviewer, seen=1, override_reason=WHY)
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Changed"), author=author)
    with pytest.raises(errors.RevisionChangedError) as caught:
        services.approve_insight(insight_id=insight.pk, approver=operator, seen=1, override_reason=WHY)
    assert caught.value.field == "revision"
    services.approve_insight(insight_id=insight.pk, approver=operator, seen=2, override_reason=WHY)
    assert Release.objects.count() == 0
    services.approve_insight(insight_id=insight.pk, approver=reviewer, seen=2)
    assert Release.objects.count() == 1


def test_marks_below_the_bar_stop_it():
    insight, reviewer = propose(), person(Role.REVIEWER)
    marks = {"relevance": 2, "timeliness": 3, "breadth": 2, "actionability": 2}
    with pytest.raises(errors.BelowRubricBarError):
        services.approve_insight(insight_id=insight.pk, approver=reviewer, override_reason=WHY, marks=marks)
    assert Approval.objects.count() == 0


def test_prose_has_nothing_to_serve():
    insight = propose(signals=[], prose_reason="No column for it yet.")
    with pytest.raises(errors.NoSignalError):
        services.approve_insight(insight_id=insight.pk, approver=person(Role.REVIEWER), override_reason=WHY)


def test_an_unknown_insight_is_not_found():
    with pytest.raises(NotFoundError):
        services.approve_insight(insight_id=987654, approver=person(Role.REVIEWER))


# --- the database itself keeps the rule ---------------------------------------------------------------
def test_the_database_refuses_an_authors_approval():
    insight = propose()
    revision = Revision.objects.get(insight=insight)
    with pytest.raises(IntegrityError, match="author cannot approve"), transaction.atomic():
        Approval.objects.create(revision=revision, approver=insight.author, as_operator=True)


def test_the_database_refuses_an_activation_without_an_operator():
    insight = approve(propose(), person(Role.REVIEWER), person(Role.REVIEWER))
    one, two = Approval.objects.order_by("pk")
    with pytest.raises(IntegrityError, match="one of them an operator"), transaction.atomic():
        Activation.objects.create(
            revision=Revision.objects.get(insight=insight),
            release=1,
            operator_approval=one,
            other_approval=two,
            gate_result=GateResult.objects.get(),
        )


def test_the_database_refuses_an_activation_without_gate_or_override():
    revision = Revision.objects.get(insight=propose())
    one = Approval.objects.create(revision=revision, approver=person(Role.OPERATOR), as_operator=True)
    two = Approval.objects.create(revision=revision, approver=person(Role.REVIEWER), as_operator=False)
    with pytest.raises(IntegrityError, match="no passed gate"), transaction.atomic():
        Activation.objects.create(
            revision=revision,
            release=1,
            operator_approval=one,
            other_approval=two,
            gate_result=GateResult.objects.get(),
        )


@pytest.mark.parametrize(
    "table", ["insights_revision", "insights_signal", "insights_gateresult", "insights_approval"]
)
def test_the_database_refuses_to_change_what_was_decided(table):
    approve(propose())
    for statement in ("UPDATE {} SET id = id", "DELETE FROM {}"):
        with (
            pytest.raises(Exception, match=r"append_only|Cannot"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.format(table))


# --- ending and coming back --------------------------------------------------------------------------
def test_withdrawing_the_only_signal_leaves_a_withdrawal_row():
    insight = approve(propose())
    services.withdraw_insight(
        insight_id=insight.pk, actor=person(Role.OPERATOR), reason="It hid an incident."
    )
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("withdrawn", None)
    assert releases.current() == {}
    assert list(Release.objects.values_list("kind", flat=True)) == ["withdraw", "approve"]


def test_a_revision_replaces_what_is_served_once_it_is_approved():
    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    changed = draft(
        author, signals=[{"kind": "theta_scale", "value": 2.0}, {"kind": "direction", "value": "up"}]
    )
    services.revise_insight(insight_id=insight.pk, draft=changed, author=author)
    assert releases.current()["checkout/latency_p99"].values["theta_log2"] == 1.0
    approve(insight)
    values = releases.current()["checkout/latency_p99"].values
    assert (values["theta_log2"], values["direction"]) == (2.0, "up")
    assert list(Release.objects.values_list("kind", flat=True)) == ["revise", "approve"]


def test_revert_brings_content_and_insights_back_as_a_new_release():
    first = approve(propose())
    second = approve(propose(scope="cart/errors", signals=[{"kind": "direction", "value": "up"}]))
    services.withdraw_insight(insight_id=first.pk, actor=person(Role.OPERATOR), reason="try without")

    release = services.revert_release(number=1, actor=person(Role.OPERATOR), reason="worse without")

    assert (release.number, release.digest) == (4, Release.objects.get(number=1).digest)
    assert set(releases.current()) == {"checkout/latency_p99"}
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.active_revision) == ("approved", 1)
    assert (second.state, second.active_revision) == ("withdrawn", None)
    with pytest.raises(errors.NothingToRevertError):
        services.revert_release(number=4, actor=person(Role.OPERATOR), reason="again")


def test_an_insight_expires_by_a_release_of_its_own(time_machine):
    insight = approve(propose(expires_at=timezone.now() + timedelta(hours=1)))
    assert stopping.expire_insights() == 0
    time_machine.move_to(timezone.now() + timedelta(hours=2))
    assert stopping.expire_insights() == 1
    assert stopping.expire_insights() == 0
    insight.refresh_from_db()
    assert insight.state == "expired"
    assert releases.current() == {}


def test_the_narrower_scope_speaks_for_a_kind():
    approve(propose(scope="checkout/latency_p99", signals=[{"kind": "theta_scale", "value": 0.5}]))
    wide = [{"kind": "theta_scale", "value": 2.0}, {"kind": "direction", "value": "up"}]
    approve(propose(scope={"service": "checkout"}, signals=wide))
    values = releases.current()["checkout/latency_p99"].values
    assert (values["theta_log2"], values["direction"]) == (0.5, "up")


def test_a_revert_brings_back_who_speaks_for_a_series():
    first = approve(propose(signals=[{"kind": "theta_scale", "value": 1.0}]))
    approve(propose(signals=[{"kind": "theta_scale", "value": 2.0}]))
    services.withdraw_insight(insight_id=first.pk, actor=person(Role.OPERATOR), reason="try without")
    services.revert_release(number=2, actor=person(Role.OPERATOR), reason="back")
    approve(propose(signals=[{"kind": "direction", "value": "up"}]))
    values = releases.current()["checkout/latency_p99"].values
    assert (values["theta_log2"], values["direction"]) == (2.0, "up")


def test_a_scope_means_the_series_of_its_activation_also_after_a_revert():
    ensure_series("checkout/a")
    insight = approve(propose(scope={"service": "checkout"}))
    services.withdraw_insight(insight_id=insight.pk, actor=person(Role.OPERATOR), reason="try without")
    ensure_series("checkout/b")
    services.revert_release(number=1, actor=person(Role.OPERATOR), reason="back")
    assert set(releases.current()) == {"checkout/a"}
    approve(propose(scope="checkout/a", signals=[{"kind": "direction", "value": "up"}]))
    assert set(releases.current()) == {"checkout/a"}


def test_a_revision_that_was_taken_back_needs_a_revert_or_a_new_revision():
    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Second"), author=author)
    approve(insight)
    services.revert_release(number=1, actor=person(Role.OPERATOR), reason="worse")
    with pytest.raises(errors.TakenBackError):
        approve(insight, person(Role.OPERATOR))
    services.revert_release(number=2, actor=person(Role.OPERATOR), reason="better after all")
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("approved", 2)


def test_a_revision_that_waits_outlives_the_expiry_of_what_is_served(time_machine):
    author = person(Role.RESPONDER)
    insight = approve(propose(author, expires_at=timezone.now() + timedelta(hours=1)))
    longer = draft(author, expires_at=timezone.now() + timedelta(days=30))
    services.revise_insight(insight_id=insight.pk, draft=longer, author=author)
    services.approve_insight(insight_id=insight.pk, approver=person(Role.REVIEWER), override_reason=WHY)
    time_machine.move_to(timezone.now() + timedelta(hours=2))
    assert stopping.expire_insights() == 1
    approve(insight, person(Role.OPERATOR))
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("approved", 2)


def test_nobody_approves_what_has_expired_meanwhile(time_machine):
    insight = propose(expires_at=timezone.now() + timedelta(hours=1))
    services.approve_insight(insight_id=insight.pk, approver=person(Role.REVIEWER), override_reason=WHY)
    time_machine.move_to(timezone.now() + timedelta(hours=2))
    with pytest.raises(errors.InsightExpiredError):
        services.approve_insight(insight_id=insight.pk, approver=person(Role.OPERATOR))
    assert Release.objects.count() == 0


def test_a_later_backtest_changes_nothing_that_is_served():
    insight = approve(propose())
    services.rerun_gate(insight_id=insight.pk, actor=person(Role.REVIEWER))
    approve(propose(signals=[{"kind": "direction", "value": "up"}]))
    activation = Activation.objects.get(revision__insight=insight)
    first, second = activation.revision.gate_results.all()
    assert activation.gate_result == first != second
    assert releases.current()["checkout/latency_p99"].sources["theta_log2"]["confidence"] == 0.4


@pytest.mark.parametrize("reason", ["", "   ", "\u200b", "…!?"])
def test_an_override_needs_words(reason):
    insight, reviewer = propose(), person(Role.REVIEWER)
    with pytest.raises(errors.GateRequiredError):
        services.approve_insight(insight_id=insight.pk, approver=reviewer, override_reason=reason)


# --- real concurrency ----------------------------------------------------------------------------------
def together(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in threads that start at once; each result or DomainError, in order."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(position: int, call: Callable[[], Any]) -> None:
        barrier.wait(10)
        try:
            results[position] = call()
        except DomainError as error:
            results[position] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def yes(insight: Insight, approver: User) -> Callable[[], Insight]:
    return lambda: services.approve_insight(insight_id=insight.pk, approver=approver, override_reason=WHY)


def no(insight: Insight, reviewer: User) -> Callable[[], Insight]:
    return lambda: services.withdraw_insight(insight_id=insight.pk, actor=reviewer, reason="no")


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_once_make_one_release():
    for _ in range(5):
        insight, before = propose(), Release.objects.count()
        together(yes(insight, person(Role.REVIEWER)), yes(insight, person(Role.OPERATOR)))
        assert Release.objects.count() == before + 1
        assert Approval.objects.filter(revision__insight=insight).count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_person_approving_twice_at_once_approves_once():
    insight, operator = propose(), person(Role.OPERATOR)
    results = together(yes(insight, operator), yes(insight, operator))
    assert sorted(type(result).__name__ for result in results) == ["AlreadyApprovedError", "Insight"]
    assert Approval.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_three_at_once_two_count_and_one_is_told():
    insight = propose()
    approvers = [person(Role.OPERATOR), person(Role.OPERATOR), person(Role.OPERATOR)]
    results = together(*(yes(insight, approver) for approver in approvers))
    assert sorted(type(result).__name__ for result in results) == [
        "AlreadyApprovedError",
        "Insight",
        "Insight",
    ]
    assert Release.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_approval_and_withdrawal_at_once_leave_one_consistent_end():
    for _ in range(5):
        insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
        services.approve_insight(insight_id=insight.pk, approver=reviewer, override_reason=WHY)
        together(yes(insight, operator), no(insight, reviewer))
        insight.refresh_from_db()
        assert insight.state == "withdrawn"
        assert releases.current() == {}
