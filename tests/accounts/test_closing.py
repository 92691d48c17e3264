from __future__ import annotations

from typing import Any

import pytest

from apps.accounts import closing, roles
from apps.accounts.models import RoleGrant, User
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.common.errors import NotFoundError
from tests.audit.conftest import in_threads
from tests.people import make_person

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

HERE = "tests.accounts.test_closing"
heard: list[int] = []


def listen(*, person_id: int) -> None:
    heard.append(person_id)


def stumble(*, person_id: int) -> None:
    raise RuntimeError


@pytest.fixture(autouse=True)
def hooks(settings: Any) -> None:
    heard.clear()
    settings.PERSON_DEACTIVATED = [f"{HERE}.stumble", f"{HERE}.listen"]


def test_rooms_hear_that_somebody_left_each_on_its_own() -> None:
    ann = make_person("ann")
    closing.deactivate(person_id=ann.pk, actor="root")
    closing.deactivate(person_id=ann.pk, actor="root")
    assert heard == []
    outbox.drain()
    assert heard == [ann.pk]
    assert sorted(Outbox.objects.values_list("state", flat=True)) == ["done", "pending"]


def test_who_is_back_before_anybody_heard_has_not_left(settings: Any) -> None:
    ann = make_person("ann")
    closing.deactivate(person_id=ann.pk, actor="root")
    closing.reactivate(person_id=ann.pk, actor="root")
    outbox.drain()
    assert heard == []
    settings.PERSON_DEACTIVATED = [f"{HERE}.listen"]
    closing.deactivate(person_id=ann.pk, actor="root")
    outbox.drain()
    assert heard == [ann.pk]


def test_nobody_is_not_closed() -> None:
    with pytest.raises(NotFoundError):
        closing.deactivate(person_id=999, actor="root")


def test_a_service_account_is_no_administrator_who_could_let_people_in() -> None:
    root = make_person("root", "admin")
    make_person("bot", "admin", is_service=True)
    gone = make_person("gone", "admin")
    closing.deactivate(person_id=gone.pk, actor="root")
    with pytest.raises(roles.LastAdminError):
        closing.deactivate(person_id=root.pk, actor="root")
    with pytest.raises(roles.LastAdminError):
        roles.revoke(username="root", roles=["admin"], actor="root")
    assert roles.revoke(username="gone", roles=["admin"], actor="root") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", ["closing", "taking", "both"])
def test_two_who_end_each_others_administration_leave_one(ways: str) -> None:
    people = [make_person(name, "admin") for name in ("ann", "bob")]

    def end(number: int) -> str:
        other = people[1 - number]
        close = ways == "closing" or (ways == "both" and number == 0)
        try:
            if close:
                closing.deactivate(person_id=other.pk, actor="x")
            else:
                roles.assign(username=other.username, roles=["viewer"], actor="x")
        except roles.LastAdminError:
            return "refused"
        return "done"

    assert sorted(in_threads(2, end)) == ["done", "refused"]
    left = User.objects.filter(is_active=True, pk__in=RoleGrant.objects.filter(role="admin").values("user"))
    assert left.count() == 1
