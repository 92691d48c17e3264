from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import celery
import pytest
from celery import Celery
from django.db import connection, transaction
from django.utils import timezone

from apps.audit import hints, outbox
from apps.audit.models import Outbox

from . import handlers
from .conftest import in_threads, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Worker

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]


def add(kind: str, *keys: str) -> None:
    with transaction.atomic():
        for key in keys:
            outbox.add(kind=kind, key=key)


def make_ready() -> None:
    Outbox.objects.filter(state="pending").update(not_before=timezone.now())


def test_a_row_of_a_transaction_that_fails_is_never_done() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012  # the transaction is what fails
        outbox.add(kind="test.note", key="lost")
        raise RuntimeError
    assert outbox.drain() == 0
    assert handlers.done == []


def test_the_same_kind_and_key_are_one_row_even_after_it_is_done() -> None:
    add("test.note", "one", "one")
    outbox.drain()
    add("test.note", "one")
    assert outbox.drain() == 0
    assert handlers.done == ["one"]
    assert Outbox.objects.values_list("state", "attempts", "failures").get() == ("done", 1, 0)


def test_rows_are_done_in_order_outside_any_transaction() -> None:
    add("test.note", *"cab")
    assert outbox.drain() == 3
    assert handlers.done == ["c", "a", "b"]
    assert handlers.in_transaction == [False, False, False]


def test_the_payload_reaches_the_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    monkeypatch.setattr(handlers, "note", lambda *, key, payload: seen.update({key: payload}))
    with transaction.atomic():
        outbox.add(kind="test.note", key="k", payload={"release": 7})
    outbox.drain()
    assert seen == {"k": {"release": 7}}


def test_drain_stops_at_its_limit() -> None:
    add("test.note", *"abcde")
    assert outbox.drain(limit=2) == 2
    assert handlers.done == ["a", "b"]


def test_a_kind_that_is_not_known_here_waits_for_a_worker_that_knows_it() -> None:
    add("test.newer", "x")
    assert outbox.drain() == 0
    assert Outbox.objects.get().state == "pending"


def test_eight_drains_at_once_do_each_row_exactly_once() -> None:
    add("test.note", *(str(number) for number in range(120)))
    tried = in_threads(8, lambda _: outbox.drain(limit=1000))
    assert sum(tried) == 120
    assert sorted(handlers.done, key=int) == [str(number) for number in range(120)]
    assert Outbox.objects.filter(state="done", attempts=1).count() == 120


def test_a_living_owner_keeps_its_claim() -> None:
    add("test.note", "k")
    claim = outbox.claim_next()
    assert in_threads(1, lambda _: outbox.claim_next()) == [None]
    assert claim is not None
    assert outbox.mark_done(claim) is True


def test_a_claim_younger_than_the_list_of_sessions_is_not_judged_by_it() -> None:
    add("test.note", "k")
    with transaction.atomic(), connection.cursor() as cursor:
        # This transaction lists the sessions before the owner's session begins.
        cursor.execute("SELECT count(*) FROM pg_stat_activity")
        owners: list[outbox.Claim | None] = []
        judged = threading.Event()

        def claim_and_stay() -> None:
            owners.append(outbox.claim_next())
            judged.wait(20)
            connection.close()

        thread = threading.Thread(target=claim_and_stay)
        thread.start()
        wait_until(lambda: bool(owners))
        assert owners[0] is not None
        assert outbox.claim_next() is None
        judged.set()
        thread.join(10)


def test_kill_9_of_the_owner_frees_its_row_at_once(start_worker: Callable[[], Worker]) -> None:
    add("test.hold", "k")
    owner = start_worker()
    assert owner.stdout is not None
    assert owner.stdout.readline() == "holding k\n"
    outbox.register("test.hold", "tests.audit.handlers.note")
    assert outbox.drain() == 0
    owner.send_signal(signal.SIGKILL)
    started = time.monotonic()
    wait_until(lambda: outbox.drain() == 1)
    assert time.monotonic() - started < 5  # far below the lease of minutes
    assert handlers.done == ["k"]
    assert Outbox.objects.values_list("state", "attempts").get() == ("done", 2)


def test_a_frozen_owner_past_its_lease_cannot_mark_the_row(start_worker: Callable[[], Worker]) -> None:
    add("test.hold", "k")
    zombie = start_worker()
    assert zombie.stdout is not None
    assert zombie.stdin is not None
    assert zombie.stdout.readline() == "holding k\n"
    zombie.send_signal(signal.SIGSTOP)
    Outbox.objects.update(lease_until=timezone.now())
    outbox.register("test.hold", "tests.audit.handlers.note")
    second = outbox.claim_next()
    assert second is not None
    zombie.stdin.write("\n")
    zombie.stdin.flush()
    zombie.send_signal(signal.SIGCONT)
    assert zombie.stdout.readline() == "tried 1\n"
    assert Outbox.objects.values_list("state", "attempts").get() == ("claimed", 2)
    assert outbox.mark_done(second) is True
    assert Outbox.objects.get().state == "done"


def test_a_late_failure_of_a_zombie_changes_nothing_either() -> None:
    add("test.note", "k")
    zombie = outbox.claim_next()
    Outbox.objects.update(lease_until=timezone.now())
    second = outbox.claim_next()
    assert zombie is not None
    assert second is not None
    assert (zombie.attempts, second.attempts) == (1, 2)
    assert outbox.mark_failed(zombie, "too late") is False
    assert outbox.mark_done(zombie) is False
    assert Outbox.objects.values_list("state", "attempts", "failures", "last_error").get() == (
        "claimed",
        2,
        0,
        "",
    )


def test_a_poison_row_is_parked_with_its_error_and_holds_nobody_up() -> None:
    add("test.poison", "bad")
    add("test.note", "good")
    assert outbox.drain() == 2
    assert handlers.done == ["good"]
    for _ in range(outbox.MAX_FAILURES - 1):
        make_ready()
        assert outbox.drain() == 1
    make_ready()
    assert outbox.drain() == 0
    assert Outbox.objects.values_list("state", "failures", "last_error").get(key="bad") == (
        "dead",
        10,
        "ValueError: cannot digest bad",
    )


@pytest.mark.parametrize(("failures", "delay_s"), [(0, 1), (1, 2), (5, 32), (6, 60), (8, 60)])
def test_the_delay_doubles_up_to_a_minute(failures: int, delay_s: int) -> None:
    add("test.poison", "bad")
    Outbox.objects.update(failures=failures)
    claim = outbox.claim_next()
    assert claim is not None
    with transaction.atomic(), connection.cursor() as cursor:
        outbox.mark_failed(claim, "no")
        cursor.execute("SELECT round(extract(epoch FROM not_before - clock_timestamp())) FROM audit_outbox")
        assert cursor.fetchone() == (delay_s,)


def test_a_row_that_kills_every_worker_is_parked() -> None:
    add("test.note", "k")
    assert outbox.claim_next() is not None
    Outbox.objects.update(attempts=outbox.MAX_ATTEMPTS, lease_until=timezone.now())
    assert outbox.drain() == 0
    assert Outbox.objects.values_list("state", "last_error").get() == ("dead", "its worker died each time")


def test_a_dead_row_can_be_revived() -> None:
    add("test.note", "k")
    Outbox.objects.update(state="dead", failures=10)
    row = Outbox.objects.get()
    assert outbox.revive(row.pk) is True
    assert outbox.revive(row.pk) is False
    outbox.drain()
    assert handlers.done == ["k"]


def test_a_handler_that_spoils_its_query_leaves_the_worker_working() -> None:
    add("test.spoil", "bad")
    add("test.note", "good")
    assert outbox.drain() == 2
    assert handlers.done == ["good"]
    assert Outbox.objects.get(key="bad").last_error.startswith("DataError: division by zero")


def test_an_error_text_with_nul_is_kept() -> None:
    add("test.poison", "bad")
    claim = outbox.claim_next()
    assert claim is not None
    assert outbox.mark_failed(claim, "a\x00b") is True
    assert Outbox.objects.get().last_error == "a�b"


def test_a_hint_follows_the_commit_and_none_a_rollback(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.OUTBOX_HINTS = True
    monkeypatch.setattr(outbox, "hinter", hints.Hinter())  # a thread of this test's own
    sent: list[str] = []
    monkeypatch.setattr(celery.current_app, "send_task", lambda name, **_: sent.append(name))
    add("test.note", "a")
    wait_until(lambda: sent == ["audit.drain"])
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012  # the transaction is what fails
        outbox.add(kind="test.note", key="b")
        raise RuntimeError
    assert sent == ["audit.drain"]


def test_a_broker_that_is_down_neither_fails_nor_slows_the_request(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.OUTBOX_HINTS = True
    monkeypatch.setattr(outbox, "hinter", hints.Hinter())  # a thread of this test's own
    monkeypatch.setattr(hints, "PAUSE_S", 0.0)
    monkeypatch.setattr(
        hints, "current_app", Celery(broker="amqp://guest@127.0.0.1:1//", set_as_current=False)
    )
    started = time.monotonic()
    add("test.note", "a")
    assert time.monotonic() - started < 1
    assert outbox.drain() == 1  # the sweeper finds what no hint announced
    assert handlers.done == ["a"]


def test_a_hint_that_no_broker_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "PAUSE_S", 0.0)
    down = Celery(broker="amqp://guest@127.0.0.1:1//", set_as_current=False)
    down.conf.broker_transport_options = {"max_retries": 0}
    monkeypatch.setattr(hints, "current_app", down)
    assert hints.send() is False
