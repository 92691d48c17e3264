"""Two people at once, each with a connection of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apps.common.errors import DomainError
from apps.postmortems import content, services
from apps.postmortems.errors import AlreadyAmendedError, DraftClosedError
from apps.postmortems.models import Draft, Postmortem
from tests.audit.conftest import in_threads
from tests.people import make_person
from tests.postmortems.making import drafted, filed, review

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]


def together(*works: Callable[[], Any]) -> list[Any]:
    """Run each in a thread of its own, all at once; what each returned, or the refusal that it raised."""

    def attempt(n: int) -> Any:
        try:
            return works[n]()
        except DomainError as refusal:
            return refusal

    return in_threads(len(works), attempt)


def test_changes_of_different_fields_are_all_kept() -> None:
    people = [make_person(f"p{n}", "responder") for n in range(6)]
    draft = drafted(people[0])
    base = content.part(draft.data, "what")
    rows = content.part(draft.data, "findings")

    def save(n: int) -> Callable[[], Any]:
        if n < 2:
            mine = {**base, ("title", "summary")[n]: f"by {n}"}
            return lambda: services.save_draft(
                draft_id=draft.pk, step="what", mine=mine, base=base, editor=people[n]
            )
        added = {"id": f"n{n}", "text": f"seen by {n}", "evidence": ""}
        both = {**rows, "observations": [*rows["observations"], added]}
        return lambda: services.save_draft(
            draft_id=draft.pk, step="findings", mine=both, base=rows, editor=people[n]
        )

    version = draft.version
    results = together(*(save(n) for n in range(6)))
    assert [result.conflicts for result in results] == [()] * 6
    draft.refresh_from_db()
    assert (draft.data["title"], draft.data["summary"], draft.version) == ("by 0", "by 1", version + 6)
    assert {row["id"] for row in draft.data["observations"]} == {"aa", "bb", "n2", "n3", "n4", "n5"}


def test_of_two_texts_for_one_field_one_is_kept_and_the_other_asked() -> None:
    ann, bob = make_person("ann", "responder"), make_person("bob", "responder")
    draft = drafted(ann)
    base = content.part(draft.data, "what")
    one, two = together(
        *(
            lambda who=who: services.save_draft(
                draft_id=draft.pk, step="what", mine={**base, "title": who.username}, base=base, editor=who
            )
            for who in (ann, bob)
        )
    )
    (asked,) = [result for result in (one, two) if result.conflicts]
    draft.refresh_from_db()
    (clash,) = asked.conflicts
    assert {clash.mine, clash.theirs} == {"ann", "bob"}
    assert draft.data["title"] == clash.theirs
    assert draft.history.get(kind="set_aside").data["title"] == clash.mine


def test_a_draft_is_filed_once() -> None:
    ann, bob = make_person("ann", "responder"), make_person("bob", "responder")
    draft = drafted(ann)
    results = together(
        *(lambda who=who: services.file_draft(draft_id=draft.pk, author=who) for who in (ann, bob))
    )
    assert sorted(type(result).__name__ for result in results) == [
        DraftClosedError.__name__,
        Postmortem.__name__,
    ]
    assert Postmortem.objects.count() == 1
    assert Draft.objects.get().state == "filed"


def test_a_version_gets_one_successor() -> None:
    ann, bob = make_person("ann", "responder"), make_person("bob", "responder")
    old = filed(ann)
    results = together(
        *(
            lambda who=who: services.file_review(author=who, amends_id=old.pk, **review())
            for who in (ann, bob)
        )
    )
    assert sorted(type(result).__name__ for result in results) == [
        AlreadyAmendedError.__name__,
        Postmortem.__name__,
    ]
    assert Postmortem.objects.count() == 2
