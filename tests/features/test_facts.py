from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from apps.audit import outbox
from apps.audit.models import Outbox
from apps.common import failpoints
from apps.common.errors import InvalidInputError, require
from apps.common.times import iso_us
from apps.features import definitions, fact_publication, facts, locks, publication, reconcile, vectors
from apps.features.models import FactRow
from tests.features.support import sql

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

VIEW = "service_history"
STRANGE = datetime(2100, 1, 1, tzinfo=UTC)


def put(entity: str = "checkout", **values: Any) -> FactRow | None:
    return facts.put(view=VIEW, entity=entity, values=values)


def tell(key: str, entity: str = "checkout", **values: Any) -> None:
    outbox.add(kind=facts.FACTS_KIND, key=key, payload={"view": VIEW, "entity": entity, "values": values})


def hear(key: str) -> None:
    entry = Outbox.objects.get(kind=facts.FACTS_KIND, key=key)
    facts.take(key=key, payload=entry.payload)


def known(entity: str = "checkout") -> dict[str, Any]:
    values: dict[str, Any] = require(facts.current(VIEW, entity), "the row").values
    return values


def online(store: Any, entity: str = "checkout") -> dict[str, Any]:
    service = store.get_feature_service(VIEW, allow_cache=True)
    found = store.get_online_features(features=service, entity_rows=[{"service": entity}]).to_dict()
    return {name: values[0] for name, values in found.items()}


# --- putting --------------------------------------------------------------------------------------
def test_each_owner_adds_its_facts_to_what_is_known():
    first = require(put(incidents_30d=3, n_incidents=9), "the first row")
    second = require(put(open_actions=2), "the second row")
    assert (first.version, second.version) == (1, 2)
    assert second.values == {"incidents_30d": 3, "n_incidents": 9, "open_actions": 2}
    assert second.known_at > first.known_at
    assert [row.version for row in facts.history(VIEW, "checkout")] == [2, 1]
    assert facts.current(VIEW, "login") is None


def test_what_does_not_change_is_not_written():
    put(incidents_30d=3, risk_next_7d=1)
    queued = Outbox.objects.count()
    assert put(incidents_30d=3, risk_next_7d=1.0) is None
    assert put(open_actions=None) is None
    assert (FactRow.objects.count(), Outbox.objects.count()) == (1, queued)


def test_none_takes_a_fact_back():
    put(repeat_share=0.5, n_reviews=2)
    put(repeat_share=None)
    assert known() == {"n_reviews": 2}
    put(n_reviews=None)
    assert known() == {}


def test_a_moment_is_kept_in_utc_with_six_digits():
    put(last_incident_at_iso="2026-11-21T13:00:00+01:00")
    assert known() == {"last_incident_at_iso": "2026-11-21T12:00:00.000000Z"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("nope", {"nope": 1}),
        ("version", {"version": 1}),
        ("incidents_7d", {"incidents_7d": -1}),
        ("incidents_7d", {"incidents_7d": 1.5}),
        ("incidents_7d", {"incidents_7d": True}),
        ("incidents_7d", {"incidents_7d": 2**31}),
        ("repeat_share", {"repeat_share": 1.1, "n_reviews": 1}),
        ("repeat_share", {"repeat_share": "half", "n_reviews": 1}),
        ("repeat_share", {"repeat_share": 0.5}),
        ("human_detected_share", {"human_detected_share": 0.5, "n_reviews": 0}),
        ("risk_next_7d", {"risk_next_7d": float("nan")}),
        ("risk_next_7d", {"risk_next_7d": float("inf")}),
        ("last_incident_at_iso", {"last_incident_at_iso": "yesterday"}),
        ("last_incident_at_iso", {"last_incident_at_iso": "2026-11-21T12:00:00"}),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_column(field, values):
    put(incidents_30d=3)
    with pytest.raises(InvalidInputError) as refused:
        facts.put(view=VIEW, entity="checkout", values=values)
    assert refused.value.field == field
    assert FactRow.objects.count() == 1


@pytest.mark.parametrize("entity", ["", " ", "a/b", "x" * 81, "nul\x00", None, 7])
def test_an_entity_is_a_slug(entity):
    with pytest.raises(InvalidInputError) as refused:
        facts.put(view=VIEW, entity=entity, values={"open_actions": 1})
    assert refused.value.field == "entity"


@pytest.mark.parametrize(
    ("view", "values", "field"), [("x", {}, "view"), (None, {}, "view"), (VIEW, [], "values")]
)
def test_an_unknown_view_or_shape_is_refused(view, values, field):
    with pytest.raises(InvalidInputError) as refused:
        facts.put(view=view, entity="checkout", values=values)
    assert refused.value.field == field


INSERT = """
    INSERT INTO features_factrow (view, entity, version, known_at, values)
    SELECT view, entity, {}, '{{}}' FROM features_factrow
"""


# --- the database keeps it ------------------------------------------------------------------------
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE features_factrow SET values = '{}'",
        "DELETE FROM features_factrow",
        # earlier than, and at the moment of, what is there; a version again
        INSERT.format("9, known_at - interval '1 second'"),
        INSERT.format("9, known_at"),
        INSERT.format("version, known_at + interval '1 second'"),
    ],
)
def test_rows_are_appended_in_order_and_never_edited(statement):
    put(incidents_30d=3)
    with pytest.raises(DatabaseError), transaction.atomic():
        sql(statement)
    assert FactRow.objects.count() == 1


# --- through the outbox ---------------------------------------------------------------------------
def test_a_message_that_comes_twice_writes_once():
    tell("a", incidents_30d=3)
    hear("a")
    hear("a")
    assert (FactRow.objects.count(), known()) == (1, {"incidents_30d": 3})


def test_a_message_that_comes_again_after_a_newer_one_undoes_nothing():
    tell("a", incidents_30d=3, open_actions=1)
    tell("b", incidents_30d=4)
    for key in ("a", "b", "a"):
        hear(key)
    assert known() == {"incidents_30d": 4, "open_actions": 1}
    assert FactRow.objects.count() == 2


def test_messages_out_of_order_end_at_the_newest():
    tell("a", incidents_30d=3, open_actions=1)
    tell("b", incidents_30d=4)
    tell("c", incidents_30d=3)
    for key in ("c", "b", "a"):
        hear(key)
    assert known() == {"incidents_30d": 3, "open_actions": 1}


def test_a_wrong_message_stays_visible_and_writes_nothing():
    tell("a", nope=3)
    outbox.drain()
    assert "nope" in Outbox.objects.get(kind=facts.FACTS_KIND).last_error
    assert not FactRow.objects.exists()


@pytest.mark.parametrize("payload", [{}, {"view": VIEW}, {"view": VIEW, "entity": "x", "values": 3}])
def test_a_message_of_another_shape_is_refused(payload):
    with pytest.raises(InvalidInputError):
        facts.take(key="x", payload=payload)


# --- publication ----------------------------------------------------------------------------------
def test_what_was_told_is_what_feast_serves(feast):
    tell("a", incidents_30d=3, n_incidents=9)
    tell("b", repeat_share=0.25, n_reviews=4, last_incident_at_iso="2026-11-21T12:00:00Z")
    outbox.drain()
    row = require(facts.current(VIEW, "checkout"), "the row")
    assert online(feast) == {
        "service": "checkout",
        "incidents_7d": None,
        "incidents_30d": 3,
        "incidents_90d": None,
        "n_incidents": 9,
        "last_incident_at_iso": "2026-11-21T12:00:00.000000Z",
        "repeat_share": 0.25,
        "human_detected_share": None,
        "change_induced_share": None,
        "n_reviews": 4,
        "open_actions": None,
        "risk_next_7d": None,
        "version": row.version,
        "known_at_iso": iso_us(row.known_at),
    }
    assert not Outbox.objects.exclude(state="done").exists()
    assert reconcile.reconcile().clean


class Crash(BaseException):
    """Stands for the death of the process: nothing on the way may catch it."""


@pytest.mark.parametrize("step", fact_publication.STEPS)
def test_a_publisher_of_facts_may_die_at_any_step(feast, monkeypatch, step):
    first = require(put(incidents_30d=1), "the first row")
    fact_publication.publish(key=str(first.pk), payload={})
    second = require(put(incidents_30d=2), "the second row")

    def reach(name: str) -> None:
        if name == step:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", reach)
        with pytest.raises(Crash):
            fact_publication.publish(key=str(second.pk), payload={})
    fact_publication.publish(key=str(second.pk), payload={})
    assert online(feast)["incidents_30d"] == 2
    assert reconcile.reconcile().clean


def test_every_step_of_publishing_facts_is_reached_in_order(feast, monkeypatch):
    row = require(put(incidents_30d=1), "the row")
    seen: list[str] = []
    monkeypatch.setattr(failpoints, "reach", seen.append)
    fact_publication.publish(key=str(row.pk), payload={})
    assert tuple(seen) == fact_publication.STEPS


def test_an_older_message_of_publication_never_brings_old_facts_back(feast):
    first = require(put(incidents_30d=1), "the first row")
    second = require(put(incidents_30d=2), "the second row")
    for row in (second, first):
        fact_publication.publish(key=str(row.pk), payload={})
    assert online(feast)["incidents_30d"] == 2


def test_facts_that_do_not_read_back_fail_their_publication(feast, monkeypatch):
    row = require(put(incidents_30d=1), "the row")
    monkeypatch.setattr(vectors, "write", lambda *_args, **_more: None)
    with pytest.raises(publication.PublicationError, match="service_history differ, first checkout"):
        fact_publication.publish(key=str(row.pk), payload={})


DAMAGE = {
    "row": "DELETE FROM feast_online.feast_kv WHERE view = 'aftercast/service_history'",
    "row_orphan": (
        "INSERT INTO feast_online.feast_kv SELECT view, '\\x01', payload, event_ts"
        " FROM feast_online.feast_kv LIMIT 1"
    ),
    "registry": "DELETE FROM feast_registry.feature_views WHERE feature_view_name = 'service_history'",
    "registry ": (
        "DELETE FROM feast_registry.feature_services WHERE feature_service_name = 'service_history'"
    ),
}


@pytest.mark.parametrize(("kind", "damage"), DAMAGE.items())
def test_damage_to_facts_is_found_and_repaired(feast, kind, damage):
    put(incidents_30d=3)
    put("login", incidents_30d=1)
    outbox.drain()
    sql(damage)
    assert {finding.kind for finding in reconcile.reconcile().findings} == {kind.strip()}
    assert reconcile.reconcile(repair=True).clean
    assert (online(feast)["incidents_30d"], online(feast, "login")["incidents_30d"]) == (3, 1)


def test_stale_facts_and_facts_from_the_future_are_put_right(feast):
    old = require(put(incidents_30d=1), "the old row")
    put(incidents_30d=2)
    sql("TRUNCATE audit_outbox")
    assert [finding.kind for finding in reconcile.reconcile().findings] == ["row"]
    assert reconcile.reconcile(repair=True).clean
    assert online(feast)["incidents_30d"] == 2
    view = definitions.of_facts(VIEW).view
    vectors.write(feast, view, [old], at=STRANGE)
    assert reconcile.reconcile(repair=True).clean
    assert online(feast)["incidents_30d"] == 2


# --- at once --------------------------------------------------------------------------------------
def test_puts_at_once_keep_all_facts_in_strict_order(transactional_db):
    columns = ["incidents_7d", "incidents_30d", "incidents_90d", "n_incidents"]
    start, failures = threading.Barrier(len(columns)), list[BaseException]()

    def work(column: str) -> None:
        try:
            start.wait()
            for value in range(10):
                put(**dict[str, Any]({column: value}))
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(column,)) for column in columns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert known() == dict.fromkeys(columns, 9)
    rows = list(FactRow.objects.order_by("pk"))
    assert [row.version for row in rows] == list(range(1, 41))
    moments = [row.known_at for row in rows]
    assert all(b > a for a, b in pairwise(moments))


def test_nothing_known_before_a_settled_moment_appears_later(transactional_db):
    made, go_on, settled = threading.Event(), threading.Event(), list[datetime]()

    def slow() -> None:
        with transaction.atomic():
            put(incidents_30d=1)
            made.set()
            go_on.wait(10)
        connection.close()

    def settle() -> None:
        settled.append(facts.settle())
        connection.close()

    writer, reader = threading.Thread(target=slow), threading.Thread(target=settle)
    writer.start()
    made.wait(10)
    reader.start()
    reader.join(0.3)
    assert settled == []
    go_on.set()
    writer.join()
    reader.join()
    assert settled[0] > require(facts.current(VIEW, "checkout"), "the row").known_at


def test_a_writer_that_takes_too_long_is_reported(transactional_db, monkeypatch):
    made, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            locks.hold(locks.FACTS_LOCK)
            made.set()
            go_on.wait(20)
        connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    made.wait(10)
    try:
        with pytest.raises(locks.FactsInProgressError):
            facts.settle()
    finally:
        go_on.set()
        writer.join()


def test_moments_never_go_back_even_if_the_clock_does():
    sql(
        "INSERT INTO features_factrow (view, entity, version, known_at, values)"
        " VALUES (%s, 'checkout', 1, %s, '{}')",
        VIEW,
        STRANGE,
    )
    assert require(put(incidents_30d=1), "the row").known_at == STRANGE + timedelta(microseconds=1)
