from __future__ import annotations

from datetime import timedelta

import pytest

from apps.accounts.models import Role
from apps.actions import reminders, services
from apps.actions.models import ActionItem
from apps.notices.models import Notice

from .making import in_days, opened, somebody

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def titles(**where: object) -> list[str]:
    return list(Notice.objects.filter(**where).order_by("pk").values_list("title", flat=True))


def test_an_owner_hears_three_days_before_on_the_day_and_three_days_after() -> None:
    action = opened(title="Move it", due_on=in_days(10))
    for days in range(22):
        for _ in range(2):
            reminders.remind(in_days(days))
    assert titles(person=action.owner) == [
        "Due in 3 days: Move it",
        "Due today: Move it",
        "Overdue by 3 days: Move it",
    ]


def test_a_step_that_was_missed_is_caught_up_once() -> None:
    action = opened(title="Move it", due_on=in_days(10))
    reminders.remind(in_days(11))
    reminders.remind(in_days(12))
    assert titles(person=action.owner) == ["Overdue by 1 day: Move it"]


def test_a_new_date_is_reminded_of_anew_and_what_is_done_is_not() -> None:
    action = opened(due_on=in_days(2))
    reminders.remind()
    services.amend_action(action_id=action.pk, seen_version=1, actor=action.owner, due_on=in_days(3))
    reminders.remind()
    assert len(titles(person=action.owner)) == 2
    services.mark_done(action_id=action.pk, actor=action.owner)
    reminders.remind(in_days(3))
    assert len(titles(person=action.owner)) == 2


def test_when_an_owner_leaves_others_are_asked_to_reassign() -> None:
    opener, chief, owner = somebody(), somebody(Role.PROGRAMME_OWNER), somebody()
    action = opened(owner=owner, created_by=opener, title="Move it", due_on=in_days(30))
    done = opened(owner=owner, created_by=opener)
    services.mark_done(action_id=done.pk, actor=owner)
    owner.is_active = False
    owner.save()
    reminders.owner_left(person_id=owner.pk)
    reminders.remind()
    for person in (opener, chief):
        assert titles(person=person) == ["Needs a new owner: Move it"]
    services.reassign(action_id=action.pk, owner=opener, actor=opener)
    assert reminders.remind() == 0


def test_the_step_is_the_newest_that_was_reached() -> None:
    due = in_days(0)
    found = [reminders.step_of(due, due + timedelta(days=days)) for days in (-3, -1, 0, 2, 3, 9)]
    assert found == ["T-3", "T-3", "T", "T", "T+3", "T+3"]


def test_nothing_is_sent_for_what_is_far() -> None:
    opened(due_on=in_days(20))
    assert reminders.remind() == 0
    assert ActionItem.objects.count() == 1
