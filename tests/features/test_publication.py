from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from apps.audit import outbox
from apps.common import failpoints
from apps.common.times import iso_us
from apps.features import definitions, pinning, publication, reconcile, vectors
from apps.features.models import ActivePointer, Pin, Release
from tests.features.support import CHECKOUT, LOGIN, make_release, online, serve, sql

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit


class Crash(BaseException):
    """Stands for the death of the process: nothing on the way may catch it."""


@contextmanager
def dying_at(step: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def reach(name: str) -> None:
        if name == step:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(failpoints, "reach", reach)
        with pytest.raises(Crash):
            yield


def test_a_published_release_is_what_feast_serves(feast):
    release = serve({CHECKOUT: {"theta_log2": 1.5, "direction": "up", "persist_k": 3}})
    found = online(feast, CHECKOUT)
    assert (found["theta_log2"], found["direction"], found["persist_k"]) == (1.5, "up", 3)
    assert (found["status"], found["release"], found["version"]) == ("active", 1, 1)
    assert found["known_at_iso"] == found["valid_from"] == iso_us(release.known_at)
    assert found["confidence"] == 0.9
    assert found["min_rel"] is None
    assert release.served_at is not None
    assert release.served_at > release.known_at
    assert ActivePointer.objects.get().release_id == 1


def test_a_series_that_was_never_released_is_null_throughout(feast):
    assert set(online(feast, "never/seen").values()) == {"never/seen", None}


def test_withdrawing_the_only_signal_is_seen_online(feast):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    serve({CHECKOUT: None}, kind="withdraw")
    found = online(feast, CHECKOUT)
    assert (found["status"], found["theta_log2"], found["confidence"], found["release"]) == (
        "withdrawn",
        None,
        None,
        2,
    )


def test_the_outbox_publishes_all_releases_in_order(feast):
    for value in (0.5, 1.0, 1.5):
        make_release({CHECKOUT: {"theta_log2": value}})
    outbox.drain()
    assert online(feast, CHECKOUT)["theta_log2"] == 1.5
    assert not Release.objects.filter(served_at=None).exists()
    served: list[Any] = list(Release.objects.order_by("number").values_list("served_at", flat=True))
    assert served == sorted(served)
    assert ActivePointer.objects.get().release_id == 3


def test_publishing_again_changes_nothing(feast):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    before = (ActivePointer.objects.values().get(), Release.objects.values().get())
    publication.publish(key="1", payload={})
    assert (ActivePointer.objects.values().get(), Release.objects.values().get()) == before


def test_an_empty_release_is_served_too(feast):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    assert serve({}).served_at is not None
    assert ActivePointer.objects.get().release_id == 2


@pytest.mark.parametrize("step", publication.STEPS)
def test_a_publisher_may_die_at_any_step(feast, monkeypatch, step):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    make_release({CHECKOUT: {"theta_log2": 1.5}, LOGIN: {"direction": "down"}})
    with dying_at(step, monkeypatch):
        publication.publish(key="2", payload={})
    if step != "features.publish.committed":
        assert Release.objects.get(number=2).served_at is None
        assert ActivePointer.objects.get().release_id == 1
    publication.publish(key="2", payload={})
    assert (online(feast, CHECKOUT)["theta_log2"], online(feast, LOGIN)["direction"]) == (1.5, "down")
    assert reconcile.reconcile().findings == []
    assert ActivePointer.objects.get().release_id == 2


def test_every_step_is_reached_in_order(feast, monkeypatch):
    seen: list[str] = []
    make_release({CHECKOUT: {"theta_log2": 1.0}})
    monkeypatch.setattr(failpoints, "reach", seen.append)
    publication.publish(key="1", payload={})
    assert tuple(seen) == publication.STEPS
    seen.clear()
    pinning.pin(number=1, author="omar")
    pinning.converge(key="1.1", payload={})
    pinning.unpin(number=1, author="omar")
    pinning.converge(key="1.2", payload={})
    assert set(seen) == set(pinning.STEPS)


@pytest.mark.parametrize("step", [step for step in pinning.STEPS if step.startswith("features.pin.")])
def test_a_pinner_may_die_at_any_step(feast, monkeypatch, step):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pinning.pin(number=1, author="omar")
    with dying_at(step, monkeypatch):
        pinning.converge(key="1.1", payload={})
    pinning.converge(key="1.1", payload={})
    assert online(feast, CHECKOUT, "detection__r1")["theta_log2"] == 0.5
    assert reconcile.reconcile().findings == []


@pytest.mark.parametrize("step", [step for step in pinning.STEPS if step.startswith("features.unpin.")])
def test_an_unpinner_may_die_at_any_step(feast, monkeypatch, step):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pinning.pin(number=1, author="omar")
    pinning.converge(key="1.1", payload={})
    pinning.unpin(number=1, author="omar")
    with dying_at(step, monkeypatch):
        pinning.converge(key="1.2", payload={})
    pinning.converge(key="1.2", payload={})
    assert Pin.objects.get().state == Pin.State.RETIRED
    assert reconcile.reconcile().findings == []


def test_publishers_at_once_serve_each_release_once(feast):
    for i in range(5):
        make_release({f"s{i}/metric": {"theta_log2": float(i)}})
    failures: list[BaseException] = []

    def work() -> None:
        try:
            publication.publish(key="5", payload={})
        except BaseException as error:  # noqa: BLE001 - reported by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert reconcile.reconcile().findings == []
    assert ActivePointer.objects.get().release_id == 5


def test_rows_that_do_not_read_back_stop_the_pointer(feast, monkeypatch):
    make_release({CHECKOUT: {"theta_log2": 1.0}})
    monkeypatch.setattr(vectors, "write", lambda *_args, **_more: None)
    with pytest.raises(
        publication.PublicationError, match=f"1 online rows of detection_profile differ, first {CHECKOUT}"
    ):
        publication.publish(key="1", payload={})
    assert Release.objects.get().served_at is None
    assert not ActivePointer.objects.exists()


def test_definitions_are_applied_only_when_they_differ(feast, monkeypatch):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    monkeypatch.setattr(feast, "apply", lambda *_args: pytest.fail("applied again"))
    serve({CHECKOUT: {"theta_log2": 2.0}})
    assert online(feast, CHECKOUT)["theta_log2"] == 2.0


def test_a_tampered_definition_is_put_right_by_the_next_publication(feast):
    wrong = definitions.active()
    wrong.view.tags["sha256"] = "0" * 64
    feast.apply([wrong.view])
    serve({CHECKOUT: {"theta_log2": 1.0}})
    assert publication.stands(feast, definitions.active())


# --- pins -----------------------------------------------------------------------------------------
def pin(number: int) -> Pin:
    pinned = pinning.pin(number=number, author="omar")
    pinning.converge(key=f"{number}.{pinned.turn}", payload={})
    pinned.refresh_from_db()
    return pinned


def test_a_pin_keeps_answering_the_old_value(feast):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    assert pin(1).served_at is not None
    serve({CHECKOUT: {"theta_log2": 1.5}, LOGIN: {"direction": "up"}})
    serve({CHECKOUT: None}, kind="withdraw")
    assert online(feast, CHECKOUT, "detection__r1")["theta_log2"] == 0.5
    assert online(feast, LOGIN, "detection__r1")["status"] is None
    assert online(feast, CHECKOUT)["status"] == "withdrawn"


def test_pinning_a_release_that_is_not_served_yet_serves_it_first(feast):
    make_release({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    assert Release.objects.get().served_at is not None
    assert online(feast, CHECKOUT, "detection__r1")["theta_log2"] == 0.5


def test_pinning_twice_is_one_pin_and_unpinning_twice_is_an_error(feast):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    assert pin(1).turn == 1
    pinning.unpin(number=1, author="omar")
    assert pinning.standing() == []
    with pytest.raises(pinning.NotPinnedError):
        pinning.unpin(number=1, author="omar")


def test_a_retired_pin_can_be_pinned_again(feast):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    pinning.unpin(number=1, author="omar")
    pinning.converge(key="1.2", payload={})
    assert sql("SELECT count(*) FROM feast_online.feast_kv WHERE view LIKE %s", "%__r1") == [(0,)]
    assert pin(1).turn == 3
    assert online(feast, CHECKOUT, "detection__r1")["theta_log2"] == 0.5


def test_an_unpin_before_the_worker_came_leaves_nothing(feast):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pinning.pin(number=1, author="omar")
    pinning.unpin(number=1, author="omar")
    outbox.drain()
    assert Pin.objects.get().state == Pin.State.RETIRED
    assert reconcile.reconcile().findings == []
