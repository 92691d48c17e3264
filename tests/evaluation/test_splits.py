"""Splits and results that stay what they are, whoever writes to the tables."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import Error, IntegrityError, connection, transaction

from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import Interval
from apps.common.canonical import canonical_json, digest
from apps.common.code import code_id
from apps.common.errors import InvalidInputError
from apps.evaluation import results, splits
from apps.evaluation.errors import HoldoutOverlapError, SplitChangedError
from apps.evaluation.models import Result, Split, SplitName
from apps.evaluation.splits import Member, describe, register
from apps.evaluation.windows import Window, refuse_overlap

pytestmark = [pytest.mark.unit, pytest.mark.django_db]
DATA = "a" * 64


def member(series: str = "checkout/latency", **changes: Any) -> Member:
    values: dict[str, Any] = {
        "cut_us": 100,
        "from_us": 100,
        "to_us": 900,
        "data_hash": DATA,
        "incidents": (Interval(200, 300),),
    }
    return Member(series=series, **(values | changes))


def described(*members: Member) -> dict[str, Any]:
    return describe("test", members or (member(),), GENERAL_RULES)


def refused(statement: str, *values: str | int | None) -> str:
    with pytest.raises(Error) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return str(caught.value)


def test_the_same_description_is_the_same_split():
    first = register(described(member("a/b"), member("c/d")))
    second = register(described(member("c/d"), member("a/b")))
    assert first == second
    assert first.pk == digest(described(member("a/b"), member("c/d")))
    assert set(first.description["series"]) == {"a/b", "c/d"}
    assert Split.objects.count() == 1


def test_other_members_are_another_split():
    ids = {
        register(described(one)).pk
        for one in (
            member(),
            member(data_hash="b" * 64),
            member(cut_us=101),
            member(to_us=901),
            member(incidents=()),
            member("checkout/errors"),
        )
    }
    assert len(ids) == 6


def test_a_name_means_one_split_for_ever():
    split = register(described(), expected="spring")
    assert register(described(), expected="spring") == split
    with pytest.raises(SplitChangedError) as caught:
        register(described(member(incidents=()), member("a/b")), expected="spring")
    assert caught.value.field == "split"
    assert "a/b is new" in caught.value.detail
    assert "checkout/latency: 1 incidents became 0" in caught.value.detail
    assert Split.objects.count() == 1


def test_an_id_from_before_holds_a_run_to_its_split():
    split = register(described())
    assert register(described(), expected=split.pk) == split
    with pytest.raises(SplitChangedError, match="checkout/latency: other samples"):
        register(described(member(data_hash="b" * 64)), expected=split.pk)
    with pytest.raises(InvalidInputError, match="There is no split"):
        register(described(), expected="f" * 64)


@pytest.mark.parametrize("name", [" ", "x" * 101, "a\0b"])
def test_what_cannot_name_a_split(name):
    with pytest.raises(InvalidInputError) as caught:
        register(described(), expected=name)
    assert caught.value.field == "split"


@pytest.mark.parametrize("lacking", ["cut_us", "data_hash", "incidents"])
def test_a_member_needs_all_that_makes_it_one(lacking):
    description = described()
    del description["series"]["checkout/latency"][lacking]
    with pytest.raises(InvalidInputError, match=lacking):
        register(description)
    assert not Split.objects.exists()


def test_nothing_is_no_split():
    with pytest.raises(InvalidInputError, match="at least one series"):
        register(describe("test", [], GENERAL_RULES))


def test_many_changes_are_counted():
    names = [f"s/{number}" for number in range(9)]
    before, after = (described(*(member(name, to_us=to) for name in names)) for to in (900, 901))
    assert len(splits.changes(before, after)) == 9
    register(before, expected="many")
    with pytest.raises(SplitChangedError, match="and 4 more"):
        register(after, expected="many")


def test_the_rules_belong_to_a_split():
    assert splits.changes(described(), described() | {"rules": {}}) == ["other rules"]


def test_the_database_knows_the_id_of_a_split():
    said = refused(
        "INSERT INTO evaluation_split (id, canonical, created_at) VALUES (%s, %s, now())",
        digest(described()),
        canonical_json(described(member("a/b"))).decode(),
    )
    assert "the id of a split is the SHA-256" in said


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE evaluation_split SET canonical = '{}'",
        "DELETE FROM evaluation_split",
        "UPDATE evaluation_splitname SET split_id = split_id",
        "DELETE FROM evaluation_splitname",
        "UPDATE evaluation_result SET seed = 2",
        "DELETE FROM evaluation_result",
    ],
)
def test_rows_stay_as_they_were_written(statement):
    keep(register(described(), expected="spring"))
    assert "Cannot update or delete" in refused(statement)
    assert (Split.objects.count(), SplitName.objects.count(), Result.objects.count()) == (1, 1, 1)


def keep(split: Split, **changes: Any) -> Result:
    values: dict[str, Any] = {
        "kind": "ablation",
        "subject": "release:2",
        "data_hash": DATA,
        "seed": 1,
        "figures": {"effect": 1.5},
    }
    return results.keep(split=split, **(values | changes))


def test_a_result_names_split_data_code_and_seed():
    result = keep(register(described()))
    assert (result.code, result.data_hash, result.seed) == (code_id(), DATA, 1)
    assert result.split_id == digest(described())


@pytest.mark.parametrize("lacking", ["kind", "subject", "split_id", "code", "data_hash", "seed", "figures"])
def test_no_result_without_any_of_these(lacking):
    """Raw SQL, so that it is the database that refuses."""
    split = register(described())
    row: dict[str, str | int | None] = {
        "kind": "ablation",
        "subject": "release:2",
        "split_id": split.pk,
        "code": "abc",
        "data_hash": DATA,
        "seed": 1,
        "figures": '{"effect": 1}',
    }
    insert = (
        "INSERT INTO evaluation_result (kind, subject, split_id, code, data_hash, seed, figures, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, now())"
    )
    assert "violates not-null" in refused(insert, *(row | {lacking: None}).values())
    if lacking not in {"seed", "figures", "split_id"}:
        for blank in ("", "  "):
            assert "violates check" in refused(insert, *(row | {lacking: blank}).values())
    if lacking == "figures":
        for blank in ("{}", "null"):
            assert "violates check" in refused(insert, *(row | {lacking: blank}).values())
    assert not Result.objects.exists()


def test_no_result_on_a_split_that_nobody_registered():
    with transaction.atomic():
        keep(Split(id="f" * 64))
        with pytest.raises(IntegrityError, match="foreign key"):
            connection.check_constraints()
        transaction.set_rollback(True)


def test_a_window_after_everything_that_was_seen_is_free():
    refuse_overlap(Window(501, None), {"a/b": 400, "c/d": 500})
    refuse_overlap(Window(None, 300), {"a/b": 400})  # an open beginning follows each series' own cut
    refuse_overlap(Window(1, 2), {})


def test_a_window_that_overlaps_the_discovery_is_refused_with_400():
    with pytest.raises(HoldoutOverlapError) as caught:
        refuse_overlap(Window(500, 900), {"a/b": 400, "c/d": 500})
    assert (caught.value.status, caught.value.field, caught.value.code) == (400, "from", "holdout_overlap")
    assert "c/d was read until 1970-01-01T00:00:00.000500Z" in caught.value.detail


def test_a_window_has_its_ends_in_order():
    with pytest.raises(InvalidInputError) as caught:
        Window(5, 5)
    assert caught.value.field == "to"
