from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Role
from apps.actions import services
from apps.actions.errors import ActionStateError, StaleActionError
from apps.actions.models import ActionEvent, ActionItem
from apps.audit.models import AuditRecord, Outbox
from apps.catalog.services import ensure_service
from apps.common.errors import DomainError, InvalidInputError, NotFoundError
from tests.people import make_person

from .making import in_days, opened, somebody

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
MEASURED = {"metric": "recall", "direction": "up"}


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """One insight, number 7."""
    monkeypatch.setattr("apps.actions.insights.exists", lambda user, pk: pk == 7)


def kinds(action: ActionItem) -> list[str]:
    return list(ActionEvent.objects.filter(action=action).order_by("pk").values_list("kind", flat=True))


def test_an_opened_action_is_on_record() -> None:
    action = opened(kind="detect", rank=1)
    assert (action.state, action.version, action.turn, action.rank) == ("open", 1, 0, 1)
    assert kinds(action) == ["opened"]
    assert AuditRecord.objects.latest("id").action == "action_opened"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": "  "}),
        ("title", {"title": "x" * 201}),
        ("title", {"title": "a\x00b"}),
        ("title", {"title": "a\ud800b"}),
        ("owner", {"owner": None}),
        ("due_on", {"due_on": in_days(-1)}),
        ("due_on", {"due_on": in_days(800)}),
        ("kind", {"kind": "heroics"}),
        ("metric", {"metric": "mood", "direction": "up"}),
        ("direction", {"metric": "recall", "direction": "sideways"}),
        ("direction", {"metric": "recall", "direction": "down"}),
        ("direction", {"metric": "recall"}),
        ("metric", {"direction": "up"}),
        ("metric", {"insight_id": 7}),
        ("insight_id", {"insight_id": 8, **MEASURED}),
        ("insight_id", {"insight_id": 2**63, **MEASURED}),
        ("insight_id", {"insight_id": -1, **MEASURED}),
        ("postmortem_id", {"postmortem_id": 0}),
        ("rank", {"rank": 0}),
        ("metric", {"smallest_effect": 0.2}),
        ("smallest_effect", {**MEASURED, "smallest_effect": 0.0}),
        ("smallest_effect", {**MEASURED, "smallest_effect": 1.0}),
        ("smallest_effect", {**MEASURED, "smallest_effect": float("nan")}),
        ("smallest_effect", {**MEASURED, "smallest_effect": float("inf")}),
    ],
)
def test_a_wrong_field_is_named(directory: None, field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        opened(**{"created_by": somebody(), "owner": somebody(), **changes})
    assert refused.value.field == field
    assert not ActionItem.objects.exists()


def test_neither_a_service_account_nor_somebody_who_left_owns_an_action() -> None:
    gone = somebody()
    gone.is_active = False
    gone.save()
    for wrong in (make_person("bot", is_service=True), gone):
        with pytest.raises(InvalidInputError) as refused:
            opened(created_by=somebody(), owner=wrong)
        assert refused.value.field == "owner"


def test_without_a_directory_there_are_no_insights(settings: Any) -> None:
    settings.INSIGHT_DIRECTORY = ""
    with pytest.raises(InvalidInputError) as refused:
        opened(insight_id=1, **MEASURED)
    assert refused.value.field == "insight_id"


def test_done_is_measured_once_for_each_time_it_is_done() -> None:
    action = opened()
    done = services.mark_done(action_id=action.pk, actor=action.owner, note="On the replica.")
    assert (done.state, done.turn, done.done_by) == ("done", 1, action.owner)
    assert done.done_at is not None
    with pytest.raises(ActionStateError):
        services.mark_done(action_id=action.pk, actor=action.owner)
    services.reopen(action_id=action.pk, actor=action.owner)
    services.start(action_id=action.pk, actor=action.owner)
    services.start(action_id=action.pk, actor=action.owner)
    services.mark_done(action_id=action.pk, actor=action.owner)
    keys = Outbox.objects.filter(kind="impact.judge_action").order_by("pk").values_list("key", flat=True)
    assert list(keys) == [f"{action.pk}:1", f"{action.pk}:2"]
    assert kinds(action) == ["opened", "done", "reopened", "started", "done"]


def test_what_is_given_up_says_why_and_can_be_taken_up_again() -> None:
    action = opened()
    with pytest.raises(InvalidInputError) as refused:
        services.drop_action(action_id=action.pk, reason=" ", actor=action.owner)
    assert refused.value.field == "reason"
    with pytest.raises(InvalidInputError) as refused:
        services.drop_action(action_id=action.pk, reason="No.", state="done", actor=action.owner)
    assert refused.value.field == "state"
    dropped = services.drop_action(action_id=action.pk, reason="The batch is gone.", actor=action.owner)
    assert (dropped.state, dropped.reason) == ("not_doing", "The batch is gone.")
    again = services.reopen(action_id=action.pk, actor=action.owner)
    assert (again.state, again.reason) == ("open", "")
    with pytest.raises(ActionStateError):
        services.reopen(action_id=action.pk, actor=action.owner)


def test_a_stale_form_is_told_and_changes_nothing() -> None:
    action = opened()
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title="First")
    with pytest.raises(StaleActionError):
        services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title="Second")
    action.refresh_from_db()
    assert (action.title, action.version) == ("First", 2)


def test_an_amendment_keeps_a_due_date_that_has_passed_and_notes_what_changed() -> None:
    action = opened()
    ActionItem.objects.filter(pk=action.pk).update(due_on=in_days(-3))
    changed = services.amend_action(
        action_id=action.pk, seen_version=1, actor=action.owner, title="Sooner", due_on=in_days(-3)
    )
    assert ActionEvent.objects.latest("pk").changes == {"title": ["Move the batch to a replica", "Sooner"]}
    with pytest.raises(InvalidInputError) as refused:
        services.amend_action(
            action_id=action.pk, seen_version=changed.version, actor=action.owner, due_on=in_days(-2)
        )
    assert refused.value.field == "due_on"


def test_saving_without_a_change_is_no_change() -> None:
    action = opened()
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, title=action.title)
    assert kinds(action) == ["opened"]


def test_handing_over_names_both() -> None:
    action, other = opened(), somebody()
    services.reassign(action_id=action.pk, owner=other, actor=action.owner)
    services.reassign(action_id=action.pk, owner=other, actor=action.owner)
    assert kinds(action) == ["opened", "reassigned"]
    assert ActionEvent.objects.latest("pk").changes["owner"][1] == other.username


@pytest.mark.parametrize(
    "change",
    [
        lambda pk, who: services.mark_done(action_id=pk, actor=who),
        lambda pk, who: services.start(action_id=pk, actor=who),
        lambda pk, who: services.reassign(action_id=pk, owner=who, actor=who),
        lambda pk, who: services.drop_action(action_id=pk, reason="x", actor=who),
        lambda pk, who: services.amend_action(action_id=pk, seen_version=2, actor=who, title="x"),
    ],
)
def test_what_is_finished_stays_as_it_is(change: Callable[[int, Any], Any]) -> None:
    action = opened()
    services.mark_done(action_id=action.pk, actor=action.owner)
    with pytest.raises(ActionStateError):
        change(action.pk, action.owner)
    with pytest.raises(NotFoundError):
        change(action.pk + 1000, action.owner)


def test_the_service_learns_how_many_actions_are_open() -> None:
    shop = ensure_service("checkout")
    first, _ = opened(service=shop), opened(service=shop)
    services.mark_done(action_id=first.pk, actor=first.owner)
    told = Outbox.objects.filter(kind="features.facts").order_by("pk").values_list("payload", flat=True)
    assert [row["values"]["open_actions"] for row in told] == [1, 2, 1]
    assert {row["entity"] for row in told} == {"checkout"}


@pytest.mark.parametrize(
    "change",
    [
        {"title": " "},
        {"kind": "x"},
        {"state": "x"},
        {"state": "done"},
        {"done_at": timezone.now()},
        {"state": "not_doing"},
        {"reason": "left over"},
        {"metric": "recall"},
        {"direction": "up"},
        {"insight_id": 3},
        {"smallest_effect": -1.0},
        {"rank": 0},
        {"owner": None},
        {"due_on": None},
    ],
)
def test_the_database_refuses_what_the_service_would(change: dict[str, Any]) -> None:
    action = opened()
    with pytest.raises(IntegrityError), transaction.atomic():
        ActionItem.objects.filter(pk=action.pk).update(**change)


def test_history_is_never_changed() -> None:
    event = ActionEvent.objects.get(action=opened())
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        event.delete()
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        ActionEvent.objects.update(note="else")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_say_done_at_once_one_is_right() -> None:
    action = opened()
    barrier, said = threading.Barrier(2), []

    def done() -> None:
        barrier.wait()
        try:
            services.mark_done(action_id=action.pk, actor=action.owner)
            said.append("done")
        except DomainError as error:
            said.append(error.code)
        finally:
            connection.close()

    both = [threading.Thread(target=done) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(said) == ["done", "wrong_state"]
    assert Outbox.objects.filter(kind="impact.judge_action").count() == 1


def test_strangers_see_no_action() -> None:
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415  # needs the settings

    opened()
    assert not ActionItem.objects.visible_to(AnonymousUser()).exists()
    assert ActionItem.objects.visible_to(somebody(Role.VIEWER)).count() == 1
