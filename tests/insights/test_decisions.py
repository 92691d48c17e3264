from __future__ import annotations

from importlib import import_module

import pytest
from django.db import IntegrityError, connection, transaction

from apps.accounts.models import Role, User
from apps.audit.models import AuditRecord
from apps.common.errors import InvalidInputError
from apps.features.models import Release
from apps.insights import directory, errors, services
from apps.insights.models import Approval, Decision, Insight, Revision
from apps.notices.models import Notice
from tests.insights.making import WHY, approve, draft, person, propose
from tests.insights.test_approval import together, yes
from tests.postmortems.making import filed

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

NO = "The threshold is too high for the evening peak."
MARKS = {"relevance": 4, "timeliness": 3, "breadth": 3, "actionability": 5}


def turn(insight: Insight, reviewer: User, how: str = "reject_insight", reason: str = NO, **more: int):
    return getattr(services, how)(insight_id=insight.pk, reviewer=reviewer, reason=reason, **more)


@pytest.mark.parametrize(
    ("how", "state"), [("request_changes", "changes_requested"), ("reject_insight", "rejected")]
)
def test_a_no_has_a_state_a_reason_and_an_entry_in_the_log(how, state):
    insight, reviewer = propose(), person(Role.REVIEWER)
    turn(insight, reviewer, how)
    insight.refresh_from_db()
    decision = Decision.objects.get()
    assert (insight.state, insight.active_revision) == (state, None)
    assert (decision.person, decision.kind, decision.reason) == (reviewer, state, NO)
    assert AuditRecord.objects.filter(action=f"insight_{state}").count() == 1


@pytest.mark.parametrize("how", ["request_changes", "reject_insight"])
def test_what_was_turned_down_cannot_be_approved(how):
    insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
    services.approve_insight(insight_id=insight.pk, approver=operator, override_reason=WHY)
    turn(insight, reviewer, how)
    with pytest.raises(errors.TurnedDownError, match="too high"):
        approve(insight, person(Role.REVIEWER))
    revision = Revision.objects.get()
    with pytest.raises(IntegrityError, match="turned down"), transaction.atomic():
        Approval.objects.create(revision=revision, approver=person(Role.REVIEWER), as_operator=False)
    assert Release.objects.count() == 0


def test_a_revision_is_decided_anew():
    author, reviewer = person(Role.RESPONDER), person(Role.REVIEWER)
    insight = propose(author)
    turn(insight, reviewer, "request_changes")
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Lower"), author=author)
    insight.refresh_from_db()
    assert insight.state == "proposed"
    approve(insight)
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("approved", 2)


def test_a_reviewer_takes_a_no_back():
    insight = propose()
    with pytest.raises(errors.AlreadyDecidedError):
        turn(insight, person(Role.REVIEWER), "reopen_insight")
    turn(insight, person(Role.REVIEWER))
    turn(insight, person(Role.OPERATOR), "reopen_insight", "The peak was measured anew.")
    insight.refresh_from_db()
    assert insight.state == "proposed"
    approve(insight)
    assert Release.objects.count() == 1


def test_a_no_to_a_newer_revision_leaves_what_is_served():
    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="More"), author=author)
    turn(insight, person(Role.REVIEWER))
    insight.refresh_from_db()
    assert (insight.state, insight.active_revision) == ("approved", 1)
    with pytest.raises(errors.TurnedDownError):
        approve(insight, person(Role.OPERATOR))


def test_what_is_served_is_withdrawn_not_rejected():
    insight = approve(propose())
    with pytest.raises(errors.AlreadyApprovedError):
        turn(insight, person(Role.REVIEWER))


def test_who_may_say_no():
    author = person(Role.REVIEWER, Role.OPERATOR)
    insight = propose(author)
    with pytest.raises(errors.SelfApprovalError):
        turn(insight, author)
    with pytest.raises(errors.RoleRequiredError):
        turn(insight, person(Role.RESPONDER))
    with pytest.raises(IntegrityError, match="author cannot decide"), transaction.atomic():
        Decision.objects.create(revision=Revision.objects.get(), person=author, kind="rejected", reason="x")


@pytest.mark.parametrize("reason", ["", "   ", "…!", "x" * 2001])
def test_a_no_says_why(reason):
    with pytest.raises(InvalidInputError) as caught:
        turn(propose(), person(Role.REVIEWER), reason=reason)
    assert caught.value.field == "reason"


def test_the_reader_decides_on_what_they_read():
    author = person(Role.RESPONDER)
    insight = propose(author)
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Lower"), author=author)
    with pytest.raises(errors.RevisionChangedError):
        turn(insight, person(Role.REVIEWER), seen=1)


def test_asking_twice_is_refused_and_a_second_reviewer_may_ask_too():
    insight, reviewer = propose(), person(Role.REVIEWER)
    turn(insight, reviewer, "request_changes")
    with pytest.raises(errors.AlreadyDecidedError):
        turn(insight, reviewer, "request_changes")
    turn(insight, person(Role.OPERATOR), "request_changes", "And name the owner.")
    turn(insight, reviewer)
    with pytest.raises(errors.AlreadyDecidedError):
        turn(insight, person(Role.OPERATOR), "request_changes")
    assert Decision.objects.count() == 3


def test_its_author_gives_a_rejected_proposal_up():
    author = person(Role.RESPONDER)
    insight = propose(author)
    turn(insight, person(Role.REVIEWER))
    services.withdraw_insight(insight_id=insight.pk, actor=author, reason="They are right.")
    insight.refresh_from_db()
    assert insight.state == "withdrawn"


def test_decisions_are_never_changed():
    turn(propose(), person(Role.REVIEWER))
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        Decision.objects.update(reason="other")


# --- who hears of it ----------------------------------------------------------------------------------
def told(who: User) -> list[str]:
    return list(Notice.objects.filter(person=who).order_by("pk").values_list("title", flat=True))


def test_each_deed_is_told_once_to_those_it_concerns():
    author, reviewer, operator = person(Role.RESPONDER), person(Role.REVIEWER), person(Role.OPERATOR)
    insight = propose(author)
    assert (told(author), told(reviewer), told(operator)) == (
        [], ["To review: Alarm later"], ["To review: Alarm later"],
    )  # fmt: skip
    approve(insight, reviewer)
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Lower"), author=author)
    turn(insight, operator, "request_changes")
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Lowest"), author=author)
    approve(insight, reviewer, operator)
    services.withdraw_insight(insight_id=insight.pk, actor=operator, reason="It hid an incident.")
    assert told(author) == [
        "First approval: Alarm later", "Changes requested: Lower", "First approval: Lowest",
        "Served: Lowest", "Withdrawn: Lowest",
    ]  # fmt: skip
    assert told(reviewer) == [
        "To review: Alarm later", "Revised after your approval: Lower", "To review again: Lowest",
        "Withdrawn: Lowest",
    ]  # fmt: skip
    assert told(operator) == ["To review: Alarm later", "To review again: Lower", "To review again: Lowest"]
    assert set(Notice.objects.values_list("url", flat=True)) == {f"/insights/{insight.pk}"}


# --- the directory for rooms below ---------------------------------------------------------------------
def test_other_rooms_choose_insights_by_number_and_newest_title():
    author = person(Role.RESPONDER)
    first, second = propose(author), propose(author, title="Another")
    services.revise_insight(insight_id=first.pk, draft=draft(author, title="Retitled"), author=author)
    assert directory.choices(author) == [(second.pk, "Another"), (first.pk, "Retitled")]
    assert (directory.title(first.pk), directory.title(987654)) == ("Retitled", "")
    assert (directory.exists(author, first.pk), directory.exists(author, 987654)) == (True, False)


def test_a_revision_names_the_postmortem_it_cites():
    own = Revision.objects.get(insight=propose())
    assert own.document == f"postmortem:{own.source_postmortem_id}"
    outside = {"document": "runbook", "sha256": "0" * 64, "lines": [1, 1], "excerpt": "x"}
    assert Revision.objects.get(insight=propose(provenance=outside)).source_postmortem is None


def test_a_revision_that_cites_the_lines_of_a_recommendation_names_it():
    author = person(Role.RESPONDER)
    recommended = filed(author).recommendations.get()
    cited = {
        "postmortem": recommended.postmortem_id,
        "lines": [recommended.first_line, recommended.last_line],
    }
    assert Revision.objects.get(insight=propose(provenance=cited)).source_recommendation == recommended
    beside = {**cited, "lines": [1, recommended.last_line]}
    assert Revision.objects.get(insight=propose(provenance=beside)).source_recommendation is None


def test_revisions_of_before_are_given_the_row_that_they_cite():
    insight = propose()
    migration = import_module("apps.insights.migrations.0003_known_sources")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{pgtrigger_append_only_70255}', true)")
        cursor.execute("UPDATE insights_revision SET source_postmortem_id = NULL")
        cursor.execute("SELECT set_config('pgtrigger.ignore', '{}', true)")
        cursor.execute(migration.FILL)
    revision = Revision.objects.get(insight=insight)
    assert revision.document == f"postmortem:{revision.source_postmortem_id}"
    with pytest.raises(Exception, match="Cannot update or delete"), transaction.atomic():
        Revision.objects.update(title="the trigger is back")


# --- real concurrency ------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_completing_approval_and_a_rejection_at_once_leave_one_end():
    for _ in range(5):
        insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
        approve(insight, reviewer)
        before = Release.objects.count()
        results = together(yes(insight, operator), lambda: turn(insight, person(Role.REVIEWER)))  # noqa: B023
        insight.refresh_from_db()
        refused = [type(result) for result in results if isinstance(result, Exception)]
        served = Release.objects.count() - before
        # A rejection is itself something to have read before approving.
        ends = (errors.TurnedDownError, errors.MisstepsUnreadError, errors.AlreadyApprovedError)
        assert refused in [[end] for end in ends]
        assert insight.state == ("approved" if served else "rejected")


@pytest.mark.django_db(transaction=True)
def test_two_rejections_at_once_count_once():
    insight, one, two = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
    results = together(lambda: turn(insight, one), lambda: turn(insight, two))
    assert sorted(type(result).__name__ for result in results) == ["AlreadyDecidedError", "Insight"]
    assert Decision.objects.count() == 1
    assert Notice.objects.filter(person=insight.author).count() == 1
