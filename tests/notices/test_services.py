from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import Outbox
from apps.notices import kinds, services
from apps.notices.models import Notice
from tests.audit.conftest import in_threads
from tests.people import make_person

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def tell(*people: object, **more: str) -> list[int]:
    words = {"kind": "test.kind", "title": "Look", "key": "k", **more}
    with transaction.atomic():
        return services.tell(people=people, **words)  # type: ignore[arg-type]  # users and texts


def test_the_same_thing_is_told_once() -> None:
    ann, bob = make_person("ann"), make_person("bob")
    first = tell(ann)
    assert tell(ann, bob, ann, title="Again") == [*first, Notice.objects.get(person=bob).pk]
    assert [(row.person_id, row.title) for row in Notice.objects.order_by("pk")] == [
        (ann.pk, "Look"),
        (bob.pk, "Again"),
    ]
    assert Outbox.objects.filter(kind="notices.mail").count() == 2


def test_closed_accounts_and_programs_are_told_nothing() -> None:
    gone, bot = make_person("gone"), make_person("bot", is_service=True)
    gone.is_active = False
    gone.save()
    assert tell(gone, bot) == []
    assert (Notice.objects.count(), Outbox.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_notice_goes_with_its_cause() -> None:
    ann = make_person("ann")
    with pytest.raises(transaction.TransactionManagementError):
        services.tell(people=[ann], kind="test.kind", title="x", key="k")
    with transaction.atomic():
        services.tell(people=[ann], kind="test.kind", title="x", key="k")
        transaction.set_rollback(True)
    assert (Notice.objects.count(), Outbox.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_who_tell_at_once_tell_once() -> None:
    ann = make_person("ann")
    told = in_threads(2, lambda _: tell(ann))
    assert told[0] == told[1]
    assert (Notice.objects.count(), Outbox.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    "url",
    ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "x", "/a\nb", "/" * 501],
)
def test_a_notice_leads_nowhere_else(url: str) -> None:
    ann = make_person("ann")
    with pytest.raises(ValueError, match="a path of this installation"):
        tell(ann, url=url)


def test_the_database_keeps_paths_local_too() -> None:
    ann = make_person("ann")
    for url in ("", "/", "/insights/3?x=1#a"):
        Notice.objects.create(person=ann, kind="k", title="t", key=url or "none", url=url)
    with pytest.raises(IntegrityError, match="notices_notice_local"):
        Notice.objects.create(person=ann, kind="k", title="t", key="x", url="//elsewhere.example")


def test_odd_titles_are_made_to_fit() -> None:
    tell(make_person("ann"), title="a\x00" + "x" * 300, text="b\x00")
    notice = Notice.objects.get()
    assert (len(notice.title), notice.title[:3], notice.title[-1]) == (200, "a�x", "…")
    assert notice.text == "b�"


def test_a_kind_has_words_or_at_least_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_labels", {})
    kinds.register("actions.due", "An action of mine is due")
    assert kinds.known() == ["actions.due"]
    assert kinds.label("actions.due") == "An action of mine is due"
    assert kinds.label("insights.changes_requested") == "Changes requested"
