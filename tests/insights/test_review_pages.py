from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.features.models import Release
from apps.insights import services
from apps.insights.models import Approval, Decision, Insight, Revision, Score
from tests.insights.making import WHY, approve, draft, person, propose
from tests.insights.test_gate import load

pytestmark = [pytest.mark.page, pytest.mark.django_db]

MARKS = {"relevance": "4", "timeliness": "3", "breadth": "3", "actionability": "5"}
YES = {**MARKS, "revision": "1", "override_reason": WHY, "comment": ""}
NO = {"revision": "1", "reason": "The evening peak would be missed."}


def browser(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def post(who: User, insight: Insight, deed: str, data: dict[str, str], *, follow: bool = False) -> Any:
    return browser(who).post(f"/insights/{insight.pk}/{deed}", data, follow=follow)


# --- the card -------------------------------------------------------------
def test_the_card_shows_lesson_source_signals_gate_and_what_it_waits_for():
    insight = propose(signals=[{"kind": "theta_scale", "value": 1.0}, {"kind": "direction", "value": "up"}])
    revision = Revision.objects.get()
    page = text(browser(person(Role.REVIEWER)).get(f"/insights/{insight.pk}"))
    for words in (
        "Alarm later", "Raise the threshold.", "Set the alarm threshold to 2 times the usual one",
        "Alarm only when the value rises", "checkout/latency_p99", "second line", "lines 2 to 3",
        "Source intact", "Impossible", "2 more approvals", "Nobody has marked revision 1 yet",
        f"Insight {insight.pk}, revision 1", revision.digest[:12],
    ):  # fmt: skip
        assert words in page


def test_an_author_reads_why_they_may_not_decide_and_is_refused_with_the_same_words():
    author = person(Role.RESPONDER, Role.REVIEWER, Role.OPERATOR)
    insight = propose(author)
    why = (
        "You wrote this insight, so you cannot judge it. "
        "Two other people decide, at least one of them an operator."
    )
    page = text(browser(author).get(f"/insights/{insight.pk}"))
    assert why in page
    assert "Keep my marks only" not in page
    for deed, data in (("approve", YES), ("score", YES), ("request-changes", NO), ("reject", NO)):
        answer = post(author, insight, deed, data, follow=True)
        assert text(answer).count(why) == 2  # the message, and the card
    assert (Approval.objects.count(), Score.objects.count(), Decision.objects.count()) == (0, 0, 0)


def test_two_people_approve_on_the_page_with_marks_side_by_side():
    insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
    first = post(reviewer, insight, "approve", YES, follow=True)
    assert "It needs a second person" in text(first)
    second = {**YES, "relevance": "5", "breadth": "2", "comment": "Agreed with the owners."}
    page = text(post(operator, insight, "approve", second, follow=True))
    insight.refresh_from_db()
    assert (insight.state, Release.objects.count(), Score.objects.count()) == ("approved", 1, 2)
    for words in (
        "served from now on", "Revision 1 is served", "release 1", "Agreement ICC(2,1)", "n = 4 criteria",
        "Acts by override of the gate", WHY, "served as 40", "Agreed with the owners.",
        f"Approved revision 1 as operator</strong> · {operator.username}", reviewer.username,
    ):  # fmt: skip
        assert words in page


def test_the_card_says_that_an_approval_by_api_had_no_marks():
    page = text(browser(person()).get(f"/insights/{approve(propose()).pk}"))
    assert "two people are asked to. It was approved over the API, where marks are optional." in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relevance": ""}, "Give relevance a mark from 1 to 5."),
        ({"timeliness": "6"}, "Select a valid choice. 6 is not one of the available choices."),
        ({"breadth": "many"}, "Select a valid choice. many is not one of the available choices."),
        ({"comment": "x" * 2001}, "at most 2000 characters (it has 2001)"),
        ({"comment": "nul\x00"}, "Null characters are not allowed."),
        ({"override_reason": ""}, "This field is required."),
        ({"override_reason": "…!"}, "The gate did not pass"),
        ({"override_reason": "nul\x00"}, "Null characters are not allowed."),
        ({"revision": ""}, "This field is required."),
        ({"revision": "2"}, "This insight is at revision 1; you decided on 2."),
        ({"revision": "99999999999"}, "less than or equal to"),
        ({"relevance": "1", "timeliness": "1", "breadth": "1"}, "below 3.0"),
    ],
)
def test_a_bad_approval_is_refused_at_its_field_and_keeps_what_was_typed(change, message):
    insight = propose()
    sent = {**YES, "comment": "My own words about it.", **change}
    answer = post(person(Role.OPERATOR), insight, "approve", sent)
    page = text(answer)
    assert answer.status_code == 422
    assert "There is a problem" in page
    assert message in page
    if "comment" not in change:
        assert "My own words about it." in page
    assert (Approval.objects.count(), Score.objects.count()) == (0, 0)


def test_marks_alone_are_kept_without_an_approval():
    insight, reviewer = propose(), person(Role.REVIEWER)
    assert post(reviewer, insight, "score", {**YES, "override_reason": ""}).status_code == 302
    assert (Score.objects.get().rater, Approval.objects.count()) == (reviewer, 0)
    refused = post(reviewer, insight, "score", {**YES, "breadth": "9", "override_reason": "Half a thought"})
    assert refused.status_code == 422
    assert "Half a thought" in text(refused)


@pytest.mark.parametrize("deed", ["request-changes", "reject", "reopen", "withdraw"])
@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("", "This field is required."),
        ("   ", "This field is required."),
        ("x" * 2001, "at most 2000 characters (it has 2001)"),
        ("why\x00", "Null characters are not allowed."),
        ("…!", "Write why."),
    ],
)
def test_every_no_needs_a_reason(deed, reason, message):
    insight = propose()
    if deed == "reopen":
        services.reject_insight(insight_id=insight.pk, reviewer=person(Role.OPERATOR), reason="No.")
    answer = post(person(Role.REVIEWER), insight, deed, {**NO, "reason": reason})
    before = insight.state if deed != "reopen" else "rejected"
    insight.refresh_from_db()
    assert (answer.status_code, insight.state) == (422, before)
    assert message in text(answer)


def test_each_deed_leads_back_to_the_card_and_shows_there():
    insight, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
    page = text(post(reviewer, insight, "request-changes", NO, follow=True))
    assert "Sent back to its author" in page
    assert f"Changes requested by {reviewer.username}" in page
    assert "The evening peak would be missed." in page
    assert "turned this revision down" in text(browser(operator).get(f"/insights/{insight.pk}"))
    assert "Rejected. The author" in text(post(operator, insight, "reject", NO, follow=True))
    assert "Reopened: it waits" in text(post(reviewer, insight, "reopen", NO, follow=True))
    assert "The gate ran again: impossible" in text(post(reviewer, insight, "gate", {}, follow=True))
    assert "Withdrawn." in text(post(operator, insight, "withdraw", NO, follow=True))
    insight.refresh_from_db()
    assert insight.state == "withdrawn"


def test_a_rejected_insight_is_not_approved_by_a_page_that_was_open():
    insight = propose()
    post(person(Role.REVIEWER), insight, "reject", NO)
    answer = post(person(Role.OPERATOR), insight, "approve", YES, follow=True)
    assert "turned this revision down (rejected)" in text(answer)
    assert not Approval.objects.exists()


def test_a_revision_shows_what_changed_and_waits_beside_what_is_served():
    author = person(Role.RESPONDER)
    insight = approve(propose(author))
    changed = draft(author, title="Alarm <even> later", signals=[{"kind": "theta_scale", "value": 2.0}])
    services.revise_insight(insight_id=insight.pk, draft=changed, author=author)
    page = text(browser(person(Role.REVIEWER)).get(f"/insights/{insight.pk}"))
    assert "while revision 2 waits for its approvals" in page
    assert "<ins>Alarm &lt;even&gt; later</ins>" in page
    assert "<del>Set the alarm threshold to 2 times the usual one</del>" in page


def test_viewers_read_and_do_nothing():
    insight, viewer = propose(), person(Role.VIEWER)
    page = text(browser(viewer).get(f"/insights/{insight.pk}"))
    assert "Reviewers and operators judge insights." in page
    assert "<textarea" not in page
    for deed in ("approve", "score", "request-changes", "reject", "reopen", "withdraw", "gate"):
        assert post(viewer, insight, deed, YES | NO).status_code == 403


@pytest.mark.parametrize(
    "path", ["", "/evidence", "/approve", "/score", "/request-changes", "/reject", "/withdraw", "/gate"]
)
def test_no_such_insight(path):
    client = browser(person(Role.OPERATOR))
    ask = client.get if path in ("", "/evidence") else client.post
    assert ask(f"/insights/987654{path}", YES | NO).status_code == 404


# --- the evidence -------------------------------------------------------------
def test_the_evidence_shows_the_training_part_until_it_is_served_and_then_all():
    load()
    insight = propose(signals=[{"kind": "min_effect", "value": {"rel": 1.5}}])
    client = browser(person())
    card = text(client.get(f"/insights/{insight.pk}"))
    assert f'hx-get="/insights/{insight.pk}/evidence"' in card
    assert "Passed" in card
    answer = client.get(f"/insights/{insight.pk}/evidence")
    found = answer.context["evidence"]
    (row,), (shown,) = found.rows, answer.context["shown"]
    assert (row.before.incidents, row.before.detected, row.after.detected) == (2, 2, 2)
    assert row.after.false_alarms < row.before.false_alarms
    assert len(shown.incidents) == 2
    assert "kept for measuring the effect" in text(answer)
    assert f"{row.before.false_alarms} → {row.after.false_alarms}" in text(answer)
    approve(insight, why="")
    served = client.get(f"/insights/{insight.pk}/evidence", headers={"hx-request": "true"})
    again = served.context["evidence"]
    assert "<html" not in text(served)
    assert (again.rows[0].before, again.rows[0].after) == (row.before, row.after)  # as if it were not there
    assert again.held_out[0].before.incidents == 2
    assert len(served.context["shown"][0].incidents) == 4


def test_evidence_without_telemetry_or_signal_says_so():
    client = browser(person())
    assert "has telemetry yet" in text(client.get(f"/insights/{propose().pk}/evidence"))
    prose = propose(signals=[], prose_reason="No column for it.")
    assert "no signal to compare" in text(client.get(f"/insights/{prose.pk}/evidence"))
