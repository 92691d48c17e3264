from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.postmortems.merge import merge

pytestmark = pytest.mark.unit

WORDS = st.text("abc ", max_size=4)
CODES = st.lists(st.sampled_from("pqrst"), unique=True, max_size=4)
ROWS = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(["r1", "r2", "r3", "r4"]), "text": WORDS, "cites": CODES}),
    unique_by=lambda row: row["id"],
    max_size=4,
)
PARTS = st.fixed_dictionaries(
    {
        "title": WORDS,
        "labels": st.fixed_dictionaries({"trigger": CODES, "timing": st.sampled_from(["", "x", "y"])}),
        "observations": ROWS,
    }
)


def texts(value: Any) -> set[str]:
    """Every text of a part that is not empty."""
    if isinstance(value, str):
        return {value} - {""}
    inner = value.values() if isinstance(value, dict) else value
    return set().union(*(texts(item) for item in inner))


@given(base=PARTS, mine=PARTS)
def test_what_one_side_alone_changed_is_taken(base: dict[str, Any], mine: dict[str, Any]) -> None:
    assert merge(base, mine, base).data == mine
    assert merge(base, base, mine).data == mine
    assert merge(base, mine, mine).data == mine
    assert merge(base, mine, base).taken == []
    assert not merge(base, base, mine).conflicts


@given(base=PARTS, mine=PARTS, theirs=PARTS)
def test_no_new_word_of_either_side_is_lost(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    done = merge(base, mine, theirs)
    asked = {word for clash in done.conflicts for word in (clash.mine, clash.theirs)}
    assert (texts(mine) | texts(theirs)) - texts(base) <= texts(done.data) | asked


@given(base=PARTS, mine=PARTS, theirs=PARTS)
def test_both_sides_find_the_same_conflicts(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    ours, others = merge(base, mine, theirs), merge(base, theirs, mine)
    assert {clash.path for clash in ours.conflicts} == {clash.path for clash in others.conflicts}


@given(base=PARTS, mine=PARTS, theirs=PARTS)
def test_the_arguments_stay_as_they_were(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    before = copy.deepcopy((base, mine, theirs))
    merge(base, mine, theirs)
    assert (base, mine, theirs) == before


@given(base=PARTS, mine=PARTS, theirs=PARTS)
def test_deciding_against_their_values_ends_the_asking(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    first = merge(base, mine, theirs)
    second = merge(theirs, first.data, theirs)
    assert second.conflicts == []
    assert second.data == first.data


def row(key: str, text: str) -> dict[str, Any]:
    return {"id": key, "text": text}


def test_a_field_that_both_changed_is_asked_with_all_three_texts() -> None:
    done = merge({"title": "a"}, {"title": "b"}, {"title": "c"})
    (clash,) = done.conflicts
    assert (clash.path, clash.base, clash.mine, clash.theirs) == (("title",), "a", "b", "c")
    assert done.data == {"title": "b"}


def test_two_fields_of_one_row_do_not_collide() -> None:
    base = {"rows": [{"id": "x", "text": "a", "evidence": ""}]}
    mine = {"rows": [{"id": "x", "text": "b", "evidence": ""}]}
    theirs = {"rows": [{"id": "x", "text": "a", "evidence": "log"}]}
    done = merge(base, mine, theirs)
    assert done.data == {"rows": [{"id": "x", "text": "b", "evidence": "log"}]}
    assert (done.conflicts, done.taken) == ([], [("rows", "x", "evidence")])


def test_codes_are_merged_one_by_one() -> None:
    done = merge({"l": ["a", "b"]}, {"l": ["b", "c"]}, {"l": ["a", "b", "d"]})
    assert (done.data, done.conflicts) == ({"l": ["b", "c", "d"]}, [])


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ([row("x", "a")], [row("x", "a"), row("y", "b")], ["x"]),  # I deleted y, they left it
        ([row("x", "a")], [row("x", "a"), row("y", "edited")], ["x", "y"]),  # they edited what I deleted
        ([row("y", "b"), row("x", "a")], [row("x", "a"), row("y", "b"), row("z", "c")], ["y", "z", "x"]),
        ([row("x", "a"), row("m", "1"), row("y", "b")], [row("y", "b"), row("x", "a")], ["y", "x", "m"]),
    ],
)
def test_rows_are_added_deleted_and_moved(mine: Any, theirs: Any, expected: list[str]) -> None:
    base = {"rows": [row("x", "a"), row("y", "b")]}
    done = merge(base, {"rows": mine}, {"rows": theirs})
    assert [found["id"] for found in done.data["rows"]] == expected
    assert done.conflicts == []


def test_a_base_that_is_no_part_is_as_none() -> None:
    done = merge({"rows": [1, {"id": 7}]}, {"rows": [row("x", "a")]}, {"rows": [row("y", "b")]})
    assert {found["id"] for found in done.data["rows"]} == {"x", "y"}
