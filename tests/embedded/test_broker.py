"""The queues in PostgreSQL, and the one thing of kombu's transport that is mended here."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import kombu
import psycopg
import pytest
from celery import current_app
from django.db import connection
from kombu.transport import pgmq, resolve_transport

from apps.common.health import HealthError
from apps.embedded import broker
from config.broker import Transport
from config.celery import PGMQ_OPTIONS

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]

Connect = Callable[[type], kombu.Connection]


def conninfo() -> str:
    at = connection.settings_dict
    return f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@pytest.fixture
def connect() -> Iterator[Connect]:
    opened: list[kombu.Connection] = []

    def make(transport: type) -> kombu.Connection:
        options = {**PGMQ_OPTIONS, "conn_string": conninfo(), "pool_timeout": 10}
        opened.append(kombu.Connection(transport=transport, transport_options=options))
        return opened[-1]

    yield make
    for one in opened:
        one.release()


def slots_left_after_a_broken_acknowledgement(link: Any) -> bool:
    """Take as many messages as may be held, lose the database, fail to acknowledge: may more be taken?"""
    name = f"broken_{secrets.token_hex(4)}"
    channel: Any = link.channel()
    queue = kombu.Queue(name, channel=channel)
    queue.declare()
    channel.basic_qos(0, 2, False)
    try:
        for number in range(2):
            kombu.Producer(channel).publish({"n": number}, routing_key=name)
        held: list[Any] = [queue.get(), queue.get()]
        assert channel.qos.can_consume() is False
        for message in held:
            with psycopg.connect(conninfo(), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            with pytest.raises(psycopg.Error):
                message.ack()
        return bool(channel.qos.can_consume())
    finally:
        connection.close()  # ours was ended too
        queue.delete()


def test_a_broken_acknowledgement_frees_its_place(connect: Connect):
    assert slots_left_after_a_broken_acknowledgement(connect(Transport)) is True


def test_kombus_own_transport_still_needs_the_mending(connect: Connect):
    """Fails once kombu frees the slot itself: then config/broker.py can go."""
    assert slots_left_after_a_broken_acknowledgement(connect(pgmq.Transport)) is False


def test_pgmq_addresses_use_the_mended_transport():
    assert current_app.connection_for_write("pgmq://u:p@127.0.0.1:1/none").transport_cls == "pgmq"
    found: object = resolve_transport("pgmq")
    assert found is Transport


def test_visibility_outlasts_the_hard_limit_of_a_task():
    assert PGMQ_OPTIONS["visibility_timeout"] > current_app.conf.task_time_limit


def test_a_broker_that_is_away_is_a_failing_check_without_its_address(
    settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.BROKER_URL = "pgmq://u:secret@127.0.0.1:1/none"
    for name in ("broker_url", "broker_write_url"):
        monkeypatch.setitem(current_app.conf, name, settings.BROKER_URL)
    with pytest.raises(HealthError) as problem:
        broker.check()
    assert str(problem.value) == "The broker does not take connections."
