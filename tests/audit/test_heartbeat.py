from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from psycopg.sql import SQL, Identifier

from apps.audit import heartbeat, idempotency, tasks
from apps.audit.models import Heartbeat, IdempotencyRecord, Outbox
from apps.common.health import HealthError

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def age(table: str, column: str, interval: str) -> None:
    with connection.cursor() as cursor:
        statement = SQL("UPDATE {} SET {} = clock_timestamp() - %s::interval")
        cursor.execute(statement.format(Identifier(table), Identifier(column)), [interval])


def test_no_worker_was_ever_seen() -> None:
    assert heartbeat.silence_s() is None


def test_the_latest_beat_of_any_worker_counts() -> None:
    heartbeat.write("one")
    age("audit_heartbeat", "seen_at", "1 hour")
    assert heartbeat.silence_s() == pytest.approx(3600, abs=5)
    tasks.beat()
    silence = heartbeat.silence_s()
    assert silence is not None
    assert silence == pytest.approx(0, abs=5)
    assert Heartbeat.objects.count() == 2


def test_a_worker_beats_in_one_row() -> None:
    heartbeat.write("one")
    heartbeat.write("one")
    assert Heartbeat.objects.count() == 1


def test_workers_long_gone_are_dropped() -> None:
    heartbeat.write("old")
    age("audit_heartbeat", "seen_at", "2 days")
    heartbeat.write("new")
    assert list(Heartbeat.objects.values_list("worker", flat=True)) == ["new"]


def test_answers_older_than_thirty_days_are_dropped() -> None:
    for key in ("old", "new"):
        idempotency.keep(
            idempotency.Call("1", key, "0" * 64), idempotency.Answer(201, "application/json", b"{}")
        )
        if key == "old":
            age("audit_idempotencyrecord", "created_at", "31 days")
    assert tasks.forget_answers() == 1
    assert IdempotencyRecord.objects.get().key == "new"


def test_the_outbox_command_shows_parked_rows_and_revives_them() -> None:
    row = Outbox.objects.create(kind="k", key="x", state="dead", last_error="why", not_before=timezone.now())
    out = StringIO()
    call_command("outbox", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "states": {"dead": 1},
        "dead": [{"id": row.pk, "kind": "k", "key": "x", "last_error": "why"}],
    }
    out = StringIO()
    call_command("outbox", "--retry", str(row.pk), stdout=out)
    assert out.getvalue() == "pending 1\n"
    with pytest.raises(CommandError):
        call_command("outbox", "--retry", str(row.pk))


def test_the_worker_is_healthy_while_it_beats() -> None:
    with pytest.raises(HealthError, match="no worker was ever seen"):
        heartbeat.check()
    heartbeat.write("one")
    heartbeat.check()
    age("audit_heartbeat", "seen_at", "21 seconds")
    with pytest.raises(HealthError, match=r"no worker was seen for 2\d s"):
        heartbeat.check()
