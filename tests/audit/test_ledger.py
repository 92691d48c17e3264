from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.audit import ledger
from apps.audit.models import GENESIS, AuditRecord

from .conftest import in_threads

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]


INSERT = """
INSERT INTO audit_auditrecord
SELECT {id}, at, actor, action, object_type, object_id, data, {prev}, repeat('b', 64)
  FROM audit_auditrecord WHERE id = 1
"""
SWAP = """
UPDATE audit_auditrecord SET id = 100 WHERE id = 2;
UPDATE audit_auditrecord SET id = 2 WHERE id = 3;
UPDATE audit_auditrecord SET id = 3 WHERE id = 100
"""


def append(count: int = 1) -> None:
    for number in range(count):
        with transaction.atomic():
            ledger.record(
                actor="ann",
                action="approved",
                object_type="insight",
                object_id=number,
                data={"n": number, "x": 1.0},
            )


def tamper(sql: str, *values: int) -> None:
    """What somebody with the table owner's rights can do."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditrecord DISABLE TRIGGER USER")
        cursor.execute(sql, values or None)
        cursor.execute("ALTER TABLE audit_auditrecord ENABLE TRIGGER USER")


def test_a_row_holds_who_did_what_and_follows_the_row_before() -> None:
    append(2)
    first, second = AuditRecord.objects.order_by("id")
    assert (first.id, first.actor, first.action, first.object_type, first.object_id) == (
        1,
        "ann",
        "approved",
        "insight",
        "0",
    )
    assert first.content() == {"n": 0, "x": 1.0}
    assert first.prev == GENESIS
    assert second.prev == first.hash
    assert second.at > first.at


def test_the_chain_of_an_untouched_ledger_is_sound() -> None:
    assert ledger.verify() == ledger.Finding(0, GENESIS, None, "")
    append(5)
    head = AuditRecord.objects.get(id=5).hash
    assert ledger.verify() == ledger.Finding(5, head, None, "")


def test_a_record_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        ledger.record(actor="ann", action="x", object_type="y", object_id=1)
    assert AuditRecord.objects.count() == 0


def test_a_transaction_that_fails_leaves_no_row_and_no_gap() -> None:
    append()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012  # the transaction is what fails
        ledger.record(actor="ann", action="x", object_type="y", object_id=1)
        raise RuntimeError
    append()
    assert list(AuditRecord.objects.order_by("id").values_list("id", flat=True)) == [1, 2]
    assert ledger.verify().ok


def test_text_that_json_must_escape_survives() -> None:
    with transaction.atomic():
        ledger.record(
            actor="zoë",
            action="x",
            object_type="y",
            object_id="1",
            data={"t": 'a\x00"\\\n\u2028😀', "big": 10**30},
        )
    assert AuditRecord.objects.get().content() == {"t": 'a\x00"\\\n\u2028😀', "big": 10**30}
    assert ledger.verify().ok


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditrecord SET actor = 'bob' WHERE id = 2",
        "DELETE FROM audit_auditrecord WHERE id = 2",
        "SET LOCAL aftercast.truncate = 'no'; TRUNCATE audit_auditrecord",
    ],
)
def test_the_database_refuses_to_change_or_remove_rows(sql: str) -> None:
    append(3)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert ledger.verify().rows == 3


@pytest.mark.parametrize(
    ("sql", "first_bad"),
    [
        ("UPDATE audit_auditrecord SET actor = 'bob' WHERE id = 3", 3),
        ("UPDATE audit_auditrecord SET at = at + interval '1 microsecond' WHERE id = 1", 1),
        ("""UPDATE audit_auditrecord SET data = '{"n":9}' WHERE id = 6""", 6),
        ("DELETE FROM audit_auditrecord WHERE id = 1", 1),
        ("DELETE FROM audit_auditrecord WHERE id = 4", 4),
        ("DELETE FROM audit_auditrecord WHERE id IN (2, 3)", 2),
        (INSERT.format(id=0, prev="repeat('a', 64)"), 0),
        (INSERT.format(id=7, prev="(SELECT hash FROM audit_auditrecord WHERE id = 6)"), 7),
        (SWAP, 2),
    ],
    ids=[
        "actor changed",
        "time moved",
        "data changed",
        "first deleted",
        "one deleted",
        "two deleted",
        "one before",
        "one behind",
        "two swapped",
    ],
)
def test_verify_names_the_first_bad_row(sql: str, first_bad: int) -> None:
    append(6)
    tamper(sql)
    found = ledger.verify()
    assert (found.ok, found.first_bad) == (False, first_bad)


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_deleted_newest_rows_show_only_against_a_head_kept_elsewhere(kept: int) -> None:
    append(6)
    head = ledger.verify().head
    tamper("DELETE FROM audit_auditrecord WHERE id > %s", kept)
    assert ledger.verify().ok
    found = ledger.verify(expect_head=head)
    assert (found.ok, found.first_bad) == (False, kept + 1)


def test_an_old_head_is_still_found_after_new_rows() -> None:
    append(2)
    head = ledger.verify().head
    append(2)
    assert ledger.verify(expect_head=head).ok


def test_twenty_writers_at_once_make_one_chain() -> None:
    in_threads(20, lambda _: append(5))
    assert AuditRecord.objects.count() == 100
    assert ledger.verify().rows == 100
    assert ledger.verify().ok


def run(*args: str) -> str:
    out = StringIO()
    call_command("audit", "verify", *args, stdout=out)
    return out.getvalue()


def test_the_command_prints_rows_and_head() -> None:
    append(2)
    head = AuditRecord.objects.get(id=2).hash
    assert run() == f"2 rows, head {head}\n"
    assert json.loads(run("--json", "--expect-head", head)) == {
        "ok": True,
        "rows": 2,
        "head": head,
        "first_bad": None,
        "reason": None,
    }


def test_the_command_fails_with_the_first_bad_row() -> None:
    append(3)
    tamper("UPDATE audit_auditrecord SET action = 'denied' WHERE id = 2")
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("audit", "verify", "--json", stdout=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["first_bad"] == 2
