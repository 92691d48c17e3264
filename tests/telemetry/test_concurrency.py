"""Two at once: real threads, real transactions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, TypeVar

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.alerts.models import Alarm
from apps.alerts.services import Report, report_alarms
from apps.analysis.types import Interval
from apps.telemetry import reading, services
from apps.telemetry.models import ImportRun, OutcomeLabel, Sample, Series
from apps.telemetry.sources import Label, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]

T = TypeVar("T")
N = 4


def at_once(act: Callable[[int], T]) -> list[T]:
    """What `act` gives in each of N threads that start together."""
    barrier = Barrier(N)

    def run(number: int) -> T:
        try:
            barrier.wait()
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(N) as pool:
        return list(pool.map(run, range(N)))


def test_one_file_imported_by_several_at_once_is_imported_once():
    file = read_bytes(b"timestamp,value\n0,1\n60,2\n", series_id="shop/orders", file="orders.csv")
    results = at_once(lambda _: services.import_series(reading=file))
    assert sorted(result.status for result in results) == ["imported", "unchanged", "unchanged", "unchanged"]
    assert (Sample.objects.count(), ImportRun.objects.count()) == (2, 1)


def test_files_that_overlap_end_as_if_one_came_after_the_other():
    files = [
        read_bytes(
            f"timestamp,value\n0,{n}\n60,{n}\n{120 + n},7\n".encode(), series_id="shop/orders", file="x"
        )
        for n in range(N)
    ]
    at_once(lambda n: services.import_series(reading=files[n]))
    telemetry = reading.read("shop/orders")
    assert telemetry.times.tolist() == [0, 60_000_000, *(120_000_000 + n * 1_000_000 for n in range(N))]
    assert telemetry.values[0] == telemetry.values[1]  # both from the file that came last
    assert Series.objects.get().samples == 2 + N


def test_labels_reported_by_several_at_once_are_stored_once():
    for name in ("a/b", "c/d"):
        services.ensure_series(name)
    labels = [Label("a/b", Interval(0, 1)), Label("c/d", Interval(0, 1))]
    results = at_once(lambda n: services.import_labels(labels=labels[:: 1 if n % 2 else -1], source="x"))
    assert sorted(result.added for result in results) == [0, 0, 0, 2]
    assert OutcomeLabel.objects.count() == 2


def test_alarms_reported_by_several_at_once_are_stored_once():
    person = User.objects.create(username="ann")
    reports = [
        Report("a/b", reading.from_us(second * 1_000_000), 1.0, second % 3 or None) for second in range(50)
    ]
    results = at_once(lambda n: report_alarms(reports=reports[:: 1 if n % 2 else -1], by=person))
    assert sum(result.added for result in results) == 50
    assert Alarm.objects.count() == 50
