"""The criterion of an action: declared before it is done, kept as it was, told in words."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.actions import services
from apps.actions.models import BETTER, FIELD_METRICS, REPLAY_METRICS, TESTS, ActionEvent, ActionItem, Metric
from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError, require

from .making import in_days, opened, somebody

if TYPE_CHECKING:
    from django.test import Client

    from apps.accounts.models import User

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
RESOLVE: dict[str, Any] = {"metric": "time_to_resolve", "direction": "down", "smallest_effect": 0.3}


def on_checkout(**changes: Any) -> ActionItem:
    return opened(**{**RESOLVE, "service": ensure_service("checkout"), **changes})


def amended(action: ActionItem, **changes: Any) -> ActionItem:
    return services.amend_action(
        action_id=action.pk, seen_version=action.version, actor=action.owner, **changes
    )


def test_every_metric_has_a_direction_and_a_test_and_one_kind_of_evidence() -> None:
    assert set(BETTER) == set(TESTS) == set(Metric) == {*FIELD_METRICS, *REPLAY_METRICS}
    assert not {*FIELD_METRICS} & {*REPLAY_METRICS}


def test_a_field_metric_needs_no_insight_and_has_defaults() -> None:
    before = timezone.now()
    action = on_checkout()
    assert action.insight_id is None
    assert action.population == {"services": ["checkout"]}
    assert (action.window_days, action.settle_days, action.test) == (84, 7, "welch_log")
    assert before <= require(action.criterion_registered_at, "a time") <= timezone.now()


def test_what_is_given_is_kept_in_order_and_once() -> None:
    ensure_service("search")
    action = on_checkout(
        population={"services": ["search", "checkout", "search"]},
        window_days=28,
        settle_days=0,
        test="log_rank",
    )
    assert action.population == {"services": ["checkout", "search"]}
    assert (action.window_days, action.settle_days, action.test) == (28, 0, "log_rank")


def test_without_a_metric_nothing_is_registered() -> None:
    action = opened()
    assert (action.criterion_registered_at, action.test, action.population) == (None, "", {})


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("population", {"service": None}),
        ("population", {"population": {"services": ["nowhere"]}}),
        ("population", {"population": {"services": ["a\x00b"]}}),
        ("population", {"population": {"services": [7]}}),
        ("population", {"population": {"services": "checkout"}}),
        ("population", {"population": {"services": ["checkout"], "teams": []}}),
        ("population", {"population": ["checkout"]}),
        ("population", {"population": {"services": [f"s{number}" for number in range(201)]}}),
        ("window_days", {"window_days": 27}),
        ("window_days", {"window_days": 366}),
        ("window_days", {"window_days": True}),
        ("settle_days", {"settle_days": -1}),
        ("settle_days", {"settle_days": 57}),
        ("test", {"test": "sign_flip"}),
        ("test", {"test": "tea_leaves"}),
        ("metric", {"metric": "", "direction": "", "smallest_effect": None, "test": "wilson"}),
        ("direction", {"direction": "up"}),
        ("smallest_effect", {"smallest_effect": 1.0}),
    ],
)
def test_a_wrong_field_is_named(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        on_checkout(**changes)
    assert refused.value.field == field
    assert not ActionItem.objects.exists()


def test_a_changed_criterion_is_registered_anew_and_the_old_one_stays_in_the_history() -> None:
    action = on_checkout()
    first = require(action.criterion_registered_at, "a time")
    same = amended(action, title="Another title")
    assert same.criterion_registered_at == first
    changed = amended(same, smallest_effect=0.5, window_days=56)
    assert require(changed.criterion_registered_at, "a time") > first
    assert ActionEvent.objects.latest("pk").changes == {
        "smallest_effect": [0.3, 0.5],
        "window_days": [84, 56],
    }


def test_another_metric_brings_its_own_defaults() -> None:
    action = on_checkout(window_days=28, test="log_rank")
    changed = amended(action, metric="remediation_success", direction="up")
    assert (changed.test, changed.window_days) == ("wilson", 84)
    assert changed.population == {"services": ["checkout"]}
    cleared = amended(changed, metric="", direction="", smallest_effect=None)
    assert (cleared.test, cleared.population, cleared.criterion_registered_at) == ("", {}, None)


@pytest.mark.parametrize(
    "change",
    [
        {"metric": "severity", "test": "permutation"},
        {"smallest_effect": 0.1},
        {"smallest_effect": None},
        {"population": {"services": ["search"]}},
        {"window_days": 28},
        {"settle_days": 0},
        {"test": "log_rank"},
        {"insight_id": 5},
        {"criterion_registered_at": timezone.now() - timedelta(days=9)},
        {"window_days": 28, "criterion_registered_at": timezone.now() - timedelta(days=9)},
        {"window_days": 28, "state": "open", "done_at": None, "done_by": None},
    ],
)
def test_the_criterion_of_a_done_action_cannot_change(change: dict[str, Any]) -> None:
    action = on_checkout()
    services.mark_done(action_id=action.pk, actor=action.owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionItem.objects.filter(pk=action.pk).update(**change)


def test_nor_can_it_change_in_the_act_of_finishing() -> None:
    action = on_checkout()
    now = timezone.now()
    with pytest.raises(IntegrityError, match="cannot change"), transaction.atomic():
        ActionItem.objects.filter(pk=action.pk).update(
            state="done",
            done_at=now,
            done_by=action.owner,
            turn=1,
            smallest_effect=0.1,
            criterion_registered_at=now - timedelta(microseconds=1),
        )


@pytest.mark.parametrize(
    "change",
    [
        {"window_days": 28},  # without a new time of registration
        {"criterion_registered_at": timezone.now() - timedelta(days=9)},
        {"criterion_registered_at": None},
        {"window_days": 27, "criterion_registered_at": timezone.now() + timedelta(hours=1)},
        {"settle_days": 57, "criterion_registered_at": timezone.now() + timedelta(hours=1)},
        {"test": "wilson", "criterion_registered_at": timezone.now() + timedelta(hours=1)},
        {"population": {}, "criterion_registered_at": timezone.now() + timedelta(hours=1)},
        {"smallest_effect": 2.0, "criterion_registered_at": timezone.now() + timedelta(hours=1)},
    ],
)
def test_the_database_refuses_what_the_service_would(change: dict[str, Any]) -> None:
    action = on_checkout()
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionItem.objects.filter(pk=action.pk).update(**change)


def test_a_criterion_is_registered_before_the_action_is_done() -> None:
    action = on_checkout()
    with pytest.raises(IntegrityError, match="action_criterion_before_done"), transaction.atomic():
        ActionItem.objects.filter(pk=action.pk).update(
            state="done", done_at=action.criterion_registered_at, done_by=action.owner, turn=1
        )


def test_what_is_opened_again_without_a_verdict_may_be_judged_otherwise() -> None:
    action = on_checkout()
    services.mark_done(action_id=action.pk, actor=action.owner)
    again = services.reopen(action_id=action.pk, actor=action.owner)
    changed = amended(again, test="log_rank")
    done = services.mark_done(action_id=action.pk, actor=action.owner)
    assert changed.test == done.test == "log_rank"
    assert require(done.criterion_registered_at, "a time") < require(done.done_at, "a time")


def test_what_has_a_verdict_keeps_its_criterion_when_it_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    action = on_checkout()
    monkeypatch.setattr("apps.impact.directory.outcomes", lambda pks: dict.fromkeys(pks, ("improved", "x")))
    with pytest.raises(InvalidInputError) as refused:
        amended(action, population={"services": [ensure_service("search").slug]})
    assert refused.value.field == "population"


def test_a_field_action_that_is_done_is_asked_to_be_judged() -> None:
    from apps.audit.models import Outbox  # noqa: PLC0415  # beside its only use

    action = on_checkout(owner=(ann := somebody()))
    services.mark_done(action_id=action.pk, actor=ann)
    assert Outbox.objects.filter(kind="impact.judge_action", key=f"{action.pk}:1").exists()


def test_the_form_shows_what_matters_to_the_metric_and_reads_it_back(browser: Client) -> None:
    ensure_service("checkout")
    nothing = browser.get("/actions/new/criterion").content.decode()
    assert "Choose a metric" in nothing
    assert "window_days" not in nothing
    replay = browser.get("/actions/new/criterion?metric=recall").content.decode()
    assert "window_days" not in replay
    assert "Share of incidents caught should go up by at least 10 percentage points." in replay
    field = browser.get("/actions/new/criterion?metric=time_to_resolve&service=checkout").content.decode()
    assert 'name="window_days" value="84"' in field
    assert (
        "Time to resolve of checkout should go down by at least 30 %. Compared: the 84 days before with the "
        "84 days after it is done, the first 7 days left out. Judged by: Welch&#x27;s t on logarithms"
        in field
    )
    for odd in (
        "metric=mood",
        "metric=severity&smallest_effect=x&window_days=1e999&settle_days=1.5&test=tea",
    ):
        assert browser.get(f"/actions/new/criterion?{odd}").status_code == 200, odd


def test_a_criterion_is_declared_by_the_form_and_locked_when_the_action_is_done(
    browser: Client, ann: User
) -> None:
    ensure_service("checkout")
    given = {
        "title": "Drill the failover",
        "owner": ann.pk,
        "due_on": in_days(5),
        "kind": "process",
        "metric": "severity",
        "direction": "down",
        "smallest_effect": "12.5",
        "test": "permutation",
        "population": ["checkout"],
        "window_days": "56",
        "settle_days": "0",
    }
    wrong = browser.post("/actions/new", {**given, "population": []})
    assert list(wrong.context["form"].errors) == ["population"]
    assert 'value="12.5"' in wrong.content.decode()
    assert browser.post("/actions/new", {**given, "window_days": "9"}).context["form"].errors["window_days"]
    browser.post("/actions/new", given)
    action = ActionItem.objects.get()
    assert (action.smallest_effect, action.window_days, action.settle_days) == (0.125, 56, 0)
    detail = browser.get(f"/actions/{action.pk}").content.decode()
    assert "should go down by at least 12.5 percentage points" in detail
    assert "Locked since" not in detail
    assert 'value="56"' in browser.get(f"/actions/{action.pk}/edit").content.decode()
    browser.post(f"/actions/{action.pk}/done")
    assert "Locked since it was done" in browser.get(f"/actions/{action.pk}").content.decode()
    refused = browser.post(f"/actions/{action.pk}/edit", {**given, "version": 2, "window_days": "84"})
    assert refused.status_code == 422
    assert "Open it again first" in refused.content.decode()
