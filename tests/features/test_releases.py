from __future__ import annotations

import itertools
import threading
from datetime import timedelta

import pytest
from django.db import Error, InternalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.audit.models import Outbox
from apps.common.canonical import digest
from apps.common.errors import InvalidInputError, NotFoundError
from apps.features import releases
from apps.features.models import ActivePointer, ProfileRow, Release
from apps.features.releases import ProfileContent, append_release
from tests.features.support import CHECKOUT, LOGIN, content, make_release, sql

pytestmark = pytest.mark.unit


@pytest.mark.django_db
def test_a_release_adds_a_row_for_each_series_that_differs_and_an_outbox_entry():
    first = make_release({CHECKOUT: {"theta_log2": 1.0}, LOGIN: {"direction": "up"}})
    second = make_release({CHECKOUT: {"theta_log2": 2.0}, LOGIN: {"direction": "up"}})
    assert (first.number, first.parent_id, second.number, second.parent_id) == (1, None, 2, 1)
    assert second.known_at > first.known_at
    rows = ProfileRow.objects.order_by("release_id", "series").values_list("series", "release_id", "version")
    assert list(rows) == [(CHECKOUT, 1, 1), (LOGIN, 1, 1), (CHECKOUT, 2, 2)]
    assert list(Outbox.objects.order_by("pk").values_list("kind", "key")) == [
        ("features.publish", "1"),
        ("features.publish", "2"),
    ]


@pytest.mark.django_db
def test_withdrawing_leaves_a_row_without_values_once():
    make_release({CHECKOUT: {"theta_log2": 1.0}})
    make_release({CHECKOUT: None, LOGIN: None}, kind="withdraw")
    make_release({CHECKOUT: ProfileContent({})}, kind="withdraw")
    rows = list(
        ProfileRow.objects.order_by("version").values_list("status", "values", "sources", "release_id")
    )
    assert [row[0] for row in rows] == ["active", "withdrawn"]
    assert rows[1] == ("withdrawn", {}, {}, 2)
    assert Release.objects.count() == 3
    assert releases.current() == {}


@pytest.mark.django_db
def test_equal_content_gives_an_equal_digest_whenever_it_is_made():
    manifest = [{"insight": 1, "revision": 1}, {"insight": 2, "revision": 4}]
    first = make_release({CHECKOUT: {"theta_log2": 1.0}}, manifest=manifest)
    other = make_release({CHECKOUT: {"theta_log2": 1.5}}, manifest=manifest)
    back = make_release(releases.changes_to(1), kind="revert", manifest=manifest[::-1])
    assert back.digest == first.digest != other.digest
    assert len(first.digest) == 64
    assert releases.content_at(3) == releases.content_at(1)


@pytest.mark.django_db
def test_a_revert_withdraws_what_the_old_release_did_not_know_and_leaves_the_rest():
    make_release({CHECKOUT: {"theta_log2": 1.0}, "a/same": {"direction": "up"}})
    make_release({CHECKOUT: {"theta_log2": 2.0}, LOGIN: {"theta_log2": 0.5}})
    changes = releases.changes_to(1)
    assert changes.keys() == {CHECKOUT, LOGIN}
    make_release(changes, kind="revert")
    touched = ProfileRow.objects.filter(release_id=3).order_by("series").values_list("series", "status")
    assert list(touched) == [(CHECKOUT, "active"), (LOGIN, "withdrawn")]


@pytest.mark.django_db
def test_a_change_of_origin_alone_is_a_new_row_with_the_same_digest():
    make_release({CHECKOUT: content({"theta_log2": 1.0}, lines=[1, 2])})
    make_release({CHECKOUT: content({"theta_log2": 1.0}, lines=[3, 4])}, kind="revise")
    assert ProfileRow.objects.filter(series=CHECKOUT).count() == 2
    assert len(set(Release.objects.values_list("digest", flat=True))) == 1
    assert releases.content_at(1)[CHECKOUT].sources["theta_log2"]["lines"] == [1, 2]


@pytest.mark.django_db
def test_the_difference_of_two_releases_names_series_and_columns():
    make_release({CHECKOUT: {"theta_log2": 1.0, "direction": "up"}})
    make_release({CHECKOUT: {"theta_log2": 2.0, "direction": "up"}, LOGIN: {"min_rel": 0.5}})
    found = releases.diff(1, 2)
    assert found.keys() == {CHECKOUT, LOGIN}
    assert found[CHECKOUT]["columns"] == ["theta_log2"]
    assert found[LOGIN] == {
        "from": None,
        "to": {"min_rel": 0.5, "confidence": 0.9},
        "columns": ["confidence", "min_rel"],
    }
    assert releases.diff(2, 2) == {}
    with pytest.raises(NotFoundError):
        releases.diff(1, 3)


@pytest.mark.django_db
def test_large_and_odd_numbers_come_back_as_they_went_in():
    values = {"hard_hi": 1e22, "hard_lo": -0.0, "theta_log2": 0.1, "min_abs": 5e-324, "n_incidents": 2**53}
    make_release({CHECKOUT: values})
    assert releases.current()[CHECKOUT].values == {**values, "confidence": 0.9}
    assert isinstance(releases.current()[CHECKOUT].values["hard_hi"], float)
    make_release({CHECKOUT: values})
    assert ProfileRow.objects.count() == 1


@pytest.mark.django_db
def test_the_digest_is_over_the_values_of_all_series_and_the_manifest_alone():
    manifest = [{"insight": 1, "revision": 1}]
    make_release({CHECKOUT: content({"hard_hi": 1e22, "hard_lo": -0.0}, expires_at="2100-01-01T00:00:00Z")})
    make_release({LOGIN: {"direction": "up"}, "a/gone": {"theta_log2": 1.0}})
    made = make_release({"a/gone": None}, kind="withdraw", manifest=manifest)
    served = {series: found.values for series, found in releases.current().items()}
    assert served.keys() == {CHECKOUT, LOGIN}
    assert made.digest == digest({"series": served, "manifest": manifest})


@pytest.mark.django_db
def test_a_release_takes_as_many_queries_however_many_series_there_are():
    counts: list[int] = []
    for n in (1, 1, 40, 40):
        with CaptureQueriesContext(connection) as queries:
            make_release({f"s{i}/m": {"theta_log2": float(len(counts))} for i in range(n)})
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= 10
    full = [query["sql"] for query in queries if '"sources"' in query["sql"] and "DISTINCT" in query["sql"]]
    assert len(full) == 1
    assert '"series" IN (' in full[0]


@pytest.mark.django_db
def test_the_newest_row_of_every_series_comes_from_an_index_without_sorting():
    make_release({f"s{i}/m": {"theta_log2": 1.0} for i in range(50)})
    sql("SET LOCAL enable_seqscan = off")  # so few rows are faster read whole
    plan = releases._latest().explain()
    assert "Index Scan Backward using features_row_once_per_release" in plan
    assert "Sort" not in plan


@pytest.mark.django_db
def test_bad_content_makes_no_release_at_all():
    for changes in ({"nonsense": content({"theta_log2": 1.0})}, {CHECKOUT: content({"nonsense": 1.0})}):
        with pytest.raises(InvalidInputError):
            make_release(changes)
    assert not Release.objects.exists()
    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_release_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="transaction"):
        append_release(kind="approve", author="a", reason="", manifest=[], changes={})


@pytest.mark.django_db(transaction=True)
def test_releases_made_at_once_are_numbered_without_gaps_and_strictly_later():
    def burst(name: str) -> None:
        for i in range(10):
            make_release({f"{name}/metric": {"theta_log2": float(i)}})
        connection.close()

    threads = [threading.Thread(target=burst, args=(f"s{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = list(Release.objects.order_by("number").values_list("number", "known_at"))
    assert [number for number, _ in made] == list(range(1, 41))
    assert all(a[1] < b[1] for a, b in itertools.pairwise(made))
    assert ProfileRow.objects.count() == 40


@pytest.mark.django_db(transaction=True)
def test_known_at_is_later_than_the_last_even_if_the_clock_went_back():
    release = make_release({})
    future = release.known_at + timedelta(days=1)
    sql(
        "INSERT INTO features_release (number, known_at, digest, parent_id, manifest, kind, author, reason)"
        " VALUES (2, %s, %s, 1, '[]', 'import', 'a', '')",
        future,
        "0" * 64,
    )
    assert make_release({}).known_at == future + timedelta(microseconds=1)


@pytest.mark.django_db(transaction=True)
def test_settling_waits_for_the_release_in_the_making():
    made, go_on, settled = threading.Event(), threading.Event(), []

    def slow() -> None:
        with transaction.atomic():
            release = append_release(kind="approve", author="a", reason="", manifest=[], changes={})
            settled.append(release.known_at)
            made.set()
            go_on.wait(5)
        connection.close()

    def settle() -> None:
        settled.append(releases.settle())
        connection.close()

    writer, reader = threading.Thread(target=slow), threading.Thread(target=settle)
    writer.start()
    made.wait(5)
    reader.start()
    reader.join(0.2)
    assert len(settled) == 1
    go_on.set()
    writer.join()
    reader.join()
    assert settled[1] > settled[0]
    assert Release.objects.filter(known_at__lte=settled[1]).count() == 1


REFUSED = {
    "edit a release": "UPDATE features_release SET reason = 'other'",
    "delete a release": "DELETE FROM features_release",
    "serve twice": "UPDATE features_release SET served_at = now() + interval '1 day' WHERE number = 1",
    "unserve": "UPDATE features_release SET served_at = NULL WHERE served_at IS NOT NULL",
    "back-date": (
        "INSERT INTO features_release (number, known_at, digest, parent_id, manifest, kind, author, reason)"
        " VALUES (3, '2020-01-01Z', '', 2, '[]', 'import', 'a', '')"
    ),
    "leave a gap": (
        "INSERT INTO features_release (number, known_at, digest, parent_id, manifest, kind, author, reason)"
        " VALUES (5, now() + interval '1 day', '', 2, '[]', 'import', 'a', '')"
    ),
    "edit a row": "UPDATE features_profilerow SET values = '{\"theta_log2\": 9}'",
    "delete a row": "DELETE FROM features_profilerow",
    "another known_at": (
        "INSERT INTO features_profilerow (series, release_id, version, known_at, status, values, sources)"
        " VALUES ('a/b', 2, 1, now(), 'active', '{\"theta_log2\": 1}', '{}')"
    ),
    "withdrawn with values": (
        "INSERT INTO features_profilerow (series, release_id, version, known_at, status, values, sources)"
        " SELECT 'a/b', 2, 1, known_at, 'withdrawn', '{\"theta_log2\": 1}', '{}' FROM features_release"
        " WHERE number = 2"
    ),
    "no series id": (
        "INSERT INTO features_profilerow (series, release_id, version, known_at, status, values, sources)"
        " SELECT 'ab', 2, 1, known_at, 'withdrawn', '{}', '{}' FROM features_release WHERE number = 2"
    ),
    "move the pointer back": "UPDATE features_activepointer SET release_id = 1, changes = changes + 1",
    "move it silently": "UPDATE features_activepointer SET release_id = 2",
    "a second pointer": "INSERT INTO features_activepointer (id, release_id, changes) VALUES (2, 1, 1)",
    "delete the pointer": "DELETE FROM features_activepointer",
}


@pytest.mark.django_db
@pytest.mark.parametrize("statement", REFUSED.values(), ids=REFUSED.keys())
def test_the_database_itself_refuses_to_rewrite_history(statement):
    make_release({CHECKOUT: {"theta_log2": 1.0}})
    make_release({CHECKOUT: {"theta_log2": 2.0}})
    Release.objects.filter(number=1).update(served_at=Release.objects.get(number=2).known_at)
    ActivePointer.objects.create(release_id=2, changes=7)
    with pytest.raises((InternalError, Error)), transaction.atomic():
        sql(statement)
    assert ProfileRow.objects.count() == 2
    assert ActivePointer.objects.values_list("release_id", "changes").get() == (2, 7)
