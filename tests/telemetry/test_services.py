from __future__ import annotations

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.analysis.types import Interval
from apps.audit.models import AuditRecord
from apps.catalog.models import Service
from apps.common.errors import InvalidInputError, NotFoundError
from apps.telemetry import reading, services
from apps.telemetry.models import ImportRun, OutcomeLabel, Sample, Series
from apps.telemetry.sources import Label, SeriesNameError, read_bytes

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

MINUTE = 60_000_000
DAY = 86_400_000_000


def file(text: str, series: str = "shop/orders_2"):
    return read_bytes(text.encode(), series_id=series, file="orders.csv")


def load(text: str, series: str = "shop/orders_2"):
    return services.import_series(reading=file(text, series))


def test_an_import_makes_service_series_and_samples():
    result = load("timestamp,value\n0,1\n60,2.5\n120.000001,3\n")
    assert (result.series, result.status, result.added, result.changed, result.same) == (
        "shop/orders_2",
        "imported",
        3,
        0,
        0,
    )
    series = Series.objects.get()
    assert (series.service.slug, series.metric, series.metric_family) == ("shop", "orders_2", "orders")
    assert (series.samples, series.cadence_s, series.source) == (3, 60.0000005, "csv")
    telemetry = reading.read("shop/orders_2")
    assert telemetry.times.tolist() == [0, MINUTE, 2 * MINUTE + 1]
    assert telemetry.values.tolist() == [1.0, 2.5, 3.0]
    assert (series.first_at, series.last_at) == (reading.from_us(0), reading.from_us(2 * MINUTE + 1))
    run = ImportRun.objects.get()
    assert (run.file, run.series_id, run.rows, run.by, run.report["samples"]) == (
        "orders.csv", "shop/orders_2", 3, "command-line", 3,
    )  # fmt: skip
    assert (
        AuditRecord.objects.filter(action="telemetry.import_series", object_id="shop/orders_2").count() == 1
    )


def test_times_before_1970_and_extreme_values_survive_the_way_through_the_database():
    values = [np.nextafter(0, 1), -1.7976931348623157e308, 0.1 + 0.2]
    load(
        "timestamp,value\n"
        + "".join(f"{day - 800_000_000},{v!r}\n" for day, v in enumerate(map(float, values)))
    )
    telemetry = reading.read("shop/orders_2")
    assert telemetry.times.tolist() == [-800_000_000_000_000 + n * 1_000_000 for n in range(3)]
    assert telemetry.values.tolist() == values


def test_the_same_file_twice_changes_nothing():
    load("timestamp,value\n0,1\n60,2\n")
    result = load("timestamp,value\n0,1\n60,2\n")
    assert (result.status, result.added, result.same) == ("unchanged", 0, 2)
    assert ImportRun.objects.count() == 1
    assert AuditRecord.objects.filter(action="telemetry.import_series").count() == 1


def test_another_file_adds_and_of_conflicting_samples_the_last_import_wins():
    load("timestamp,value\n0,1\n60,2\n120,3\n")
    result = load("timestamp,value\n60,2\n120,9\n180,4\n")
    assert (result.added, result.changed, result.same) == (1, 1, 1)
    assert result.report["issues"]["stored_conflicts"] == {
        "count": 1,
        "first_row": None,
        "first_at": "1970-01-01T00:02:00.000000Z",
        "action": "the file imported last wins",
    }
    assert reading.read("shop/orders_2").values.tolist() == [1.0, 2.0, 9.0, 4.0]
    assert Series.objects.get().samples == 4
    # The first file again is not the latest import of the series, so it counts.
    assert load("timestamp,value\n0,1\n60,2\n120,3\n").changed == 1


def test_reading_can_be_bounded():
    load("timestamp,value\n0,1\n60,2\n120,3\n180,4\n")
    bounded = reading.read("shop/orders_2", reading.from_us(MINUTE), reading.from_us(2 * MINUTE))
    assert bounded.values.tolist() == [2.0, 3.0]
    assert reading.read("shop/orders_2", reading.from_us(MINUTE), limit=1).values.tolist() == [2.0]
    with pytest.raises(NotFoundError):
        reading.read("shop/none")


def test_a_registered_series_has_no_samples_and_reads_as_empty():
    assert services.ensure_series("checkout/latency_p99").pk == "checkout/latency_p99"
    assert services.ensure_series("checkout/latency_p99").source == "registered"
    assert len(reading.read("checkout/latency_p99")) == 0
    assert Service.objects.get().slug == "checkout"


@pytest.mark.parametrize("name", ["orders", "a/b/c", "a/\x00", "\x00/b", "a/\ud800", "a/e\u0301", ""])
def test_an_odd_id_is_refused_and_nothing_is_made(name):
    with pytest.raises(SeriesNameError):
        services.ensure_series(name)
    assert Series.objects.count() == Service.objects.count() == 0


def test_the_database_refuses_what_the_services_never_do():
    series = services.ensure_series("a/b")
    for value in ("NaN", "Infinity"):
        with pytest.raises(IntegrityError, match="telemetry_sample_finite"), transaction.atomic():
            Sample.objects.create(series=series, at=reading.from_us(0), value=float(value))
    with pytest.raises(IntegrityError, match="telemetry_outcomelabel_end_after_start"), transaction.atomic():
        OutcomeLabel.objects.create(
            series=series, start_at=reading.from_us(1), end_at=reading.from_us(0), source="x"
        )
    with pytest.raises(IntegrityError, match="telemetry_series_span_with_samples"), transaction.atomic():
        Series.objects.filter(pk="a/b").update(samples=1)


def label(start: int, end: int, kind: str = "incident", series: str = "a/b") -> Label:
    return Label(series, Interval(start * DAY, end * DAY), kind)


def test_labels_are_stored_once_and_read_by_kind():
    services.ensure_series("a/b")
    person = User.objects.create(username="ann")
    first = services.import_labels(
        labels=[label(3, 4), label(1, 2), label(1, 2), label(5, 6, "benign")], source="x", by=person
    )
    assert (first.added, first.same, first.unknown) == (3, 0, {})
    again = services.import_labels(labels=[label(1, 2), label(7, 8)], source="y")
    assert (again.added, again.same) == (1, 1)
    assert reading.labels("a/b") == [
        Interval(1 * DAY, 2 * DAY),
        Interval(3 * DAY, 4 * DAY),
        Interval(7 * DAY, 8 * DAY),
    ]
    assert reading.labels("a/b", kind="benign") == [Interval(5 * DAY, 6 * DAY)]
    assert OutcomeLabel.objects.filter(recorded_by=person).count() == 3


def test_drills_are_never_read_and_the_hold_out_only_when_asked_for():
    services.ensure_series("a/b")
    services.import_labels(labels=[label(1, 2)], source="x", is_drill=True)
    services.import_labels(labels=[label(3, 4)], source="x", is_holdout=True)
    services.import_labels(labels=[label(5, 6)], source="x")
    assert reading.labels("a/b") == [Interval(5 * DAY, 6 * DAY)]
    assert reading.labels("a/b", include_holdout=True) == [
        Interval(3 * DAY, 4 * DAY),
        Interval(5 * DAY, 6 * DAY),
    ]


def test_labels_of_an_unknown_series_are_refused_as_a_whole_unless_left_aside():
    services.ensure_series("a/b")
    with pytest.raises(InvalidInputError, match="There is no series 'a/c'") as caught:
        services.import_labels(labels=[label(1, 2), label(1, 2, series="a/c")], source="x")
    assert caught.value.field == "items.1.series"
    assert OutcomeLabel.objects.count() == 0
    result = services.import_labels(
        labels=[label(1, 2), label(1, 2, series="a/c")], source="x", skip_unknown=True
    )
    assert (result.added, result.unknown) == (1, {"a/c": 1})


def test_a_scope_finds_its_series():
    for name in ("cart/rps_1", "cart/rps_2", "cart/latency", "shop/rps_1"):
        services.ensure_series(name)
    assert reading.resolve({"fleet": True}) == ["cart/latency", "cart/rps_1", "cart/rps_2", "shop/rps_1"]
    assert reading.resolve({"service": "cart"}) == ["cart/latency", "cart/rps_1", "cart/rps_2"]
    assert reading.resolve({"service": "cart", "metric_family": "rps"}) == ["cart/rps_1", "cart/rps_2"]
    assert reading.resolve({"service": "none"}) == []
    assert reading.resolve({"series": ["x/y", "cart/latency", "x/y"]}) == ["cart/latency", "x/y"]


@pytest.mark.parametrize(
    ("scope", "field"),
    [
        ({}, "scope"),
        ({"fleet": False}, "scope"),
        ({"fleet": True, "service": "x"}, "scope"),
        ({"metric_family": "x"}, "scope"),
        ({"service": 3}, "scope"),
        ({"service": "a\x00"}, "scope"),
        ({"series": "a/b"}, "scope"),
        ({"series": []}, "scope.series"),
        ({"series": ["a/b", 3]}, "scope.series.1"),
        ({"series": ["a/b", "c"]}, "scope.series.1"),
    ],
)
def test_what_is_no_scope_is_refused(scope, field):
    with pytest.raises(InvalidInputError) as caught:
        reading.resolve(scope)
    assert caught.value.field == field


def test_strangers_see_nothing(django_user_model):
    services.ensure_series("a/b")
    from django.contrib.auth.models import AnonymousUser  # noqa: PLC0415

    assert Series.objects.visible_to(AnonymousUser()).count() == 0
    assert Series.objects.visible_to(django_user_model.objects.create(username="ann")).count() == 1
