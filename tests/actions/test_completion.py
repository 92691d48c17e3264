"""Completion against target, the list as CSV, many actions handed over and back, escalation."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Role, Team
from apps.actions import completion, reminders, services
from apps.actions.errors import ActionStateError
from apps.actions.models import ActionItem, CompletionTarget
from apps.analysis import stats
from apps.catalog.models import Term
from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError, NotFoundError
from apps.notices.models import Notice
from tests.people import api_of

from .making import in_days, opened, somebody

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]
TODAY = date(2026, 11, 21)


def fell_due(due_on: date, *, done: date | None = None, state: str = "open", **more: Any) -> ActionItem:
    """An action with this past, which no service would take."""
    action = opened(**more)
    values: dict[str, Any] = {"due_on": due_on, "state": state}
    if done is not None:
        at = datetime.combine(done, time(23, 59), UTC)
        values |= {"state": "done", "done_at": at, "done_by": action.owner, "turn": 1}
    if state in {"not_doing", "cancelled"}:
        values["reason"] = "Why not."
    ActionItem.objects.filter(pk=action.pk).update(**values)
    return action


def of(user: User, **given: str) -> completion.Completion:
    return completion.of(user, given, TODAY)


def test_the_figures_are_those_that_one_counts_by_hand(ann: User) -> None:
    due = date(2026, 10, 10)
    fell_due(due, done=due)
    fell_due(due, done=due - timedelta(days=30))
    fell_due(due, done=due + timedelta(days=1))
    fell_due(due)
    fell_due(due, state="not_doing")
    fell_due(due, state="cancelled")
    fell_due(TODAY)  # not over yet
    fell_due(TODAY - timedelta(days=92))  # of an earlier quarter
    found = of(ann)
    whole = found.whole
    assert (whole.n, whole.on_time, whole.late, whole.open, whole.excluded) == (5, 2, 1, 2, 1)
    expected = stats.wilson(2, 5)
    assert (whole.share, whole.low, whole.high) == (0.4, expected.low, expected.high)
    assert (whole.target, whole.verdict) == (0.8, "missed")  # the interval ends at 77 %
    assert [month.label for month in found.months][:2] == ["Nov 2026", "Oct 2026"]
    assert [month.n for month in found.months] == [0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert (found.since, found.until) == (date(2026, 8, 22), date(2026, 11, 20))


def test_the_verdict_needs_the_whole_interval(ann: User) -> None:
    due = date(2026, 10, 10)
    assert of(ann).whole.verdict == "too_few_data"
    for _ in range(3):
        fell_due(due, done=due, owner=ann)
    assert of(ann).whole.verdict == "undecided"
    for _ in range(17):
        fell_due(due, done=due, owner=ann)
    assert of(ann).whole.verdict == "met"
    for _ in range(40):
        fell_due(due, owner=ann)
    assert of(ann).whole.verdict == "missed"


def test_each_tier_has_its_target_and_filters_narrow(ann: User, browser: Client) -> None:
    term = Term.objects.filter(vocabulary="service_tier").order_by("position")[0]
    team = Team.objects.create(slug="shop", name="Shop")
    shop = ensure_service("checkout")
    shop.tier, shop.owner = term, team
    shop.save()
    due = in_days(-10)
    fell_due(due, done=due, service=shop, kind="detect")
    fell_due(due, owner=ann)
    services.set_target(tier=term.code, share=0.95, escalate_days=3, actor=ann)
    found = completion.of(ann, {})
    assert [(one.code, one.target, one.n) for one in found.tiers] == [(term.code, 0.95, 1), ("", 0.8, 1)]
    for given, n in (
        ({"team": "shop"}, 1),
        ({"service": "checkout"}, 1),
        ({"kind": "detect"}, 1),
        ({"owner": ann.username}, 1),
        ({"owner": "nobody"}, 0),
    ):
        assert completion.of(ann, given).whole.n == n, given
    page = browser.get("/actions/completion?team=shop").content.decode()
    assert "1 of 1 done in time" in page
    assert term.label in page
    assert "Set the target" not in page
    assert browser.get("/actions/completion?kind=heroics").status_code == 422


def test_administrators_set_targets_and_a_wrong_one_is_told() -> None:
    boss, client = somebody(Role.ADMIN), Client()
    client.force_login(boss)
    given = {"tier": "", "share": "90", "escalate_days": "7"}
    assert client.post("/actions/completion/targets", given).status_code == 302
    target = CompletionTarget.objects.get()
    assert (target.share, target.escalate_days) == (0.9, 7)
    wrong = client.post("/actions/completion/targets", {**given, "share": "101"})
    assert wrong.status_code == 422
    assert list(wrong.context["target_form"].errors) == ["share"]
    for field, values in (
        ("tier", {"tier": "no"}),
        ("share", {"share": float("nan")}),
        ("escalate_days", {"escalate_days": 181}),
    ):
        given_now: dict[str, Any] = {"tier": "", "share": 0.5, "escalate_days": 5, **values}
        with pytest.raises(InvalidInputError) as refused:
            services.set_target(**given_now, actor=boss)
        assert refused.value.field == field
    with pytest.raises(IntegrityError), transaction.atomic():
        CompletionTarget.objects.update(share=1.5)


def test_completion_costs_the_same_for_one_and_for_many(browser: Client, ann: User) -> None:
    costs = []
    for more in (1, 6):
        for number in range(more):
            fell_due(in_days(-10 * (number + 1)), owner=ann, service=ensure_service("checkout"))
        with CaptureQueriesContext(connection) as queries:
            browser.get("/actions/completion")
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_the_list_is_exported_as_csv_without_formulas(browser: Client, ann: User) -> None:
    opened(owner=ann, title='=HYPERLINK("http://x"), "quoted"')
    opened(title="Of somebody else")
    answer = browser.get("/actions/export.csv")
    assert answer["Content-Type"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode())))
    assert [row["title"] for row in rows] == ['\'=HYPERLINK("http://x"), "quoted"']
    assert rows[0]["owner"] == ann.username
    everybody = browser.get("/actions/export.csv?who=all").getvalue().decode()
    assert "Of somebody else" in everybody
    assert browser.get("/actions/export.csv?state=heroics").status_code == 404


def test_what_somebody_leaves_behind_is_handed_over_and_back(browser: Client, ann: User) -> None:
    bob, eve = somebody(), somebody()
    first, second = opened(owner=bob, title="First"), opened(owner=bob, title="Second")
    bob.is_active = False
    bob.save()
    page = browser.get(f"/actions/hand-over?owner={bob.username}").content.decode()
    assert "(has left)" in page
    assert "First (due in 14 days)" in page
    url = f"/actions/hand-over?owner={bob.username}"
    wrong = browser.post(url, {"owner": eve.pk, "note": "Kept words"})
    assert wrong.status_code == 422
    assert "Kept words" in wrong.content.decode()
    answer = browser.post(url, {"actions": [first.pk, second.pk], "owner": eve.pk})
    assert "2 actions now belong to" in answer.content.decode()
    assert set(ActionItem.objects.values_list("owner", flat=True)) == {eve.pk}
    batch = answer.context["batch"]
    services.start(action_id=second.pk, actor=eve)
    undone = browser.post(f"/actions/hand-over/{batch}/undo", follow=True)
    assert "1 given back. 1 changed since and stay." in undone.content.decode()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.owner, second.owner) == (bob, eve)
    assert browser.post("/actions/hand-over/none/undo").status_code == 404


def test_many_are_handed_over_all_or_none(ann: User) -> None:
    bob = somebody()
    first, done = opened(owner=ann), opened(owner=ann)
    services.mark_done(action_id=done.pk, actor=ann)
    for ids, error in (
        ([first.pk, done.pk], ActionStateError),
        ([first.pk, 999_999], NotFoundError),
        ([], InvalidInputError),
    ):
        with pytest.raises(error):
            services.reassign_many(action_ids=ids, owner=bob, actor=ann)
    first.refresh_from_db()
    assert first.owner == ann
    api = api_of(ann)
    moved = api.send("POST", "/api/v1/actions/hand-over", {"actions": [first.pk], "owner": bob.username})
    assert moved.json()["changed"] == 1
    undone = api.send("POST", f"/api/v1/actions/hand-over/{moved.json()['batch']}/undo", {})
    assert undone.json() == {"given_back": 1, "left": 0}
    told = api.send("GET", f"/api/v1/actions/completion?owner={ann.username}").json()
    assert told["whole"]["verdict"] == "too_few_data"
    assert api.send("GET", "/api/v1/actions/completion?owner=a%00b").status_code == 422


def test_the_programme_hears_of_what_is_long_overdue_once() -> None:
    chief, action = somebody(Role.PROGRAMME_OWNER), opened(title="Move it", due_on=in_days(10))
    for days in range(40):
        reminders.remind(in_days(days))
    told = Notice.objects.filter(person=chief, kind="actions.long_overdue")
    assert list(told.values_list("title", flat=True)) == ["Overdue by 14 days: Move it"]
    services.set_target(tier="", share=0.8, escalate_days=3, actor=chief)
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, due_on=in_days(11))
    reminders.remind(in_days(14))
    assert told.count() == 2
