"""One test for each way in which Feast 0.67 would let us down. They run on every upgrade of Feast."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import feast as feast_package
import psycopg
import pytest
from django.db import OperationalError
from feast.infra.registry.sql import SqlRegistry
from feast.protos.feast.types.Value_pb2 import Value
from sqlalchemy.engine import make_url

from apps.common.health import HealthError
from apps.features import connections, definitions, publication, store, vectors
from apps.features.connections import Connections
from apps.features.fact_schema import VIEWS
from tests.features.support import CHECKOUT, online, serve, sql

pytestmark = pytest.mark.unit

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def write(feast, values: dict[str, Value], at: datetime, series: str = CHECKOUT) -> None:
    view = definitions.active().view
    feast.provider.online_write_batch(
        feast.config, view, [(vectors.entity_key(series), values, at, None)], None
    )


def read(feast, series: str = CHECKOUT):
    return feast.provider.online_read(feast.config, definitions.active().view, [vectors.entity_key(series)])[
        0
    ]


def test_the_version_is_the_one_that_all_this_was_measured_on():
    assert feast_package.__version__ == "0.67.0"


# --- registry -------------------------------------------------------------------------------------
def test_a_fresh_snapshot_is_never_taken_for_an_old_one(feast):
    stale = 0
    for i in range(20):
        definition = definitions.active()
        definition.view.tags["turn"] = str(i)
        feast.apply([definition.view])
        feast.renew()
        feast.renew()
        stale += feast.get_feature_view("detection_profile", allow_registry_cache=True).tags["turn"] != str(i)
    assert stale == 0
    assert feast.registry.proto().version_id != feast.registry.proto().version_id
    assert SqlRegistry.proto(feast.registry).version_id == ""  # still missing upstream
    feast.apply([definitions.active().view])


def test_readers_see_a_new_definition_when_the_counter_moves_and_not_before(feast):
    release = serve({CHECKOUT: {"theta_log2": 1.0}})
    feast.refresh_if_moved(1)
    other = definitions.pinned(release)
    SqlRegistry.apply_feature_view(feast.registry, other.view, feast.project)
    feast.refresh_if_moved(1)
    views = feast.registry.list_feature_views(feast.project, allow_cache=True)
    assert {view.name for view in views} == {"detection_profile", *VIEWS}
    feast.refresh_if_moved(2)
    assert {v.name for v in feast.registry.list_feature_views(feast.project, allow_cache=True)} == {
        "detection_profile",
        "detection_profile__r1",
        *VIEWS,
    }


def test_a_failed_refresh_is_an_error_and_is_tried_again(feast, monkeypatch):
    feast.refresh_if_moved(11)
    with monkeypatch.context() as patch:
        patch.setattr(feast.registry, "proto", lambda: (_ for _ in ()).throw(RuntimeError("away")))
        with pytest.raises(RuntimeError, match="away"):
            feast.refresh_if_moved(12)
    seen = feast.registry.cached_registry_proto
    feast.refresh_if_moved(12)
    assert feast.registry.cached_registry_proto is not seen


def test_no_thread_refreshes_the_registry_on_its_own(feast):
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    feast.registry._exit_handler()


def test_the_registry_keeps_to_its_own_schema(feast):
    schemas = sql(
        "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_name = 'feature_services'"
    )
    assert schemas == [("feast_registry",)]


def test_two_processes_make_the_registry_at_once(feast):
    for name in ("feast_registry", "feast_online"):
        sql(f"ALTER SCHEMA {name} RENAME TO {name}_kept")
        sql(f"CREATE SCHEMA {name}")
    sql("CREATE TABLE feast_online.feast_kv (LIKE feast_online_kept.feast_kv INCLUDING ALL)")
    try:
        program = (
            "import django; django.setup(); from apps.features.store import open_store;"
            "print(open_store().list_feature_services()[0].name)"
        )
        environment = {
            "PATH": "/usr/bin:/bin",
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
            "DATABASE_URL": database_url(),
            "PYTHONPATH": ".",
            "PYTHONOPTIMIZE": "1",
        }
        starts = [
            subprocess.Popen(
                [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        assert [(start.communicate(timeout=60)[0], start.returncode) for start in starts] == [
            ("detection\n", 0)
        ] * 2
    finally:
        for name in ("feast_registry", "feast_online"):
            sql(f"DROP SCHEMA {name} CASCADE")
            sql(f"ALTER SCHEMA {name}_kept RENAME TO {name}")


def database_url() -> str:
    named = connections.parameters()
    return (
        f"postgresql://{named['user']}:{named['password']}@{named['host']}:{named['port']}/{named['dbname']}"
    )


def test_the_registry_takes_odd_passwords_and_socket_folders(monkeypatch):
    odd = {"host": "/run/pg", "user": "u", "password": "p@:/%w d", "dbname": "db"}
    monkeypatch.setattr(store, "parameters", odd.copy)
    url = make_url(store._registry_url())
    assert (url.host, url.database, url.password) == (None, "db", "p@:/%w d")
    assert url.query["host"] == "/run/pg"
    assert url.query["options"] == "-csearch_path=feast_registry -ctimezone=UTC"


# --- online store ---------------------------------------------------------------------------------
def test_errors_leak_no_connection(feast):
    sql("ALTER TABLE feast_online.feast_kv RENAME TO elsewhere")
    try:
        for _ in range(30):
            with pytest.raises(psycopg.errors.UndefinedTable):
                read(feast)
    finally:
        sql("ALTER TABLE feast_online.elsewhere RENAME TO feast_kv")
    assert read(feast) == (None, None)


def test_an_error_leaves_the_connection_usable_for_the_next(feast):
    used = Connections(connections.conninfo(), keep=1)
    try:
        for _ in range(5):
            with pytest.raises(psycopg.errors.DivisionByZero):
                used.run(lambda c: c.execute("SELECT 1/0"))
        assert used.run(lambda c: c.execute("SELECT 1").fetchone()) == (1,)
        assert len(used._idle) == 1
    finally:
        used.close()


def test_a_database_that_is_away_is_djangos_own_error():
    used = Connections("host=127.0.0.1 port=1 connect_timeout=1 dbname=nobody")
    with pytest.raises(OperationalError, match="refused"):
        used.run(lambda c: c.execute("SELECT 1"))


def test_a_connection_that_died_is_replaced_in_the_same_read(feast):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    assert online(feast, CHECKOUT)["theta_log2"] == 1.0
    sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    assert online(feast, CHECKOUT)["theta_log2"] == 1.0
    feast.renew()
    assert serve({CHECKOUT: {"theta_log2": 2.0}}).served_at is not None
    assert online(feast, CHECKOUT)["theta_log2"] == 2.0


def test_times_are_utc_whatever_the_roles_time_zone(feast):
    sql("ALTER ROLE CURRENT_USER SET timezone = 'Asia/Tokyo'")
    try:
        feast.online_store.disconnect()
        write(feast, {"status": Value(string_val="active")}, NOON.replace(tzinfo=None))
        assert read(feast)[0] == NOON
        assert sql("SELECT event_ts FROM feast_online.feast_kv") == [(NOON,)]
    finally:
        sql("ALTER ROLE CURRENT_USER RESET timezone")
        feast.online_store.disconnect()


def test_an_older_write_never_overwrites_a_newer_one(feast):
    second = timedelta(seconds=1)
    write(feast, {"status": Value(string_val="new")}, NOON)
    write(feast, {"status": Value(string_val="old")}, NOON - second)
    assert read(feast)[1]["status"].string_val == "new"
    write(feast, {"status": Value(string_val="same")}, NOON)
    assert read(feast)[1]["status"].string_val == "same"
    view, key = definitions.active().view, vectors.entity_key(CHECKOUT)
    batch = [
        (key, {"status": Value(string_val="newest")}, NOON + second, None),
        (key, {"status": Value(string_val="late")}, NOON, None),
    ]
    feast.provider.online_write_batch(feast.config, view, batch, None)
    assert read(feast)[1]["status"].string_val == "newest"


def test_a_row_of_nulls_replaces_values(feast):
    write(feast, {"theta_log2": Value(double_val=1.0)}, NOON)
    write(feast, {"theta_log2": Value()}, NOON + timedelta(seconds=1))
    assert read(feast)[1] == {"theta_log2": Value()}


def test_names_beyond_63_bytes_stay_apart(feast):
    names = [f"{'x' * 80}_{i}" for i in range(2)]
    for name in names:
        view = definitions.active().view
        view.name = name
        values = {"status": Value(string_val=name)}
        feast.provider.online_write_batch(
            feast.config, view, [(vectors.entity_key(CHECKOUT), values, NOON, None)], None
        )
    for name in names:
        view = definitions.active().view
        view.name = name
        found = feast.provider.online_read(feast.config, view, [vectors.entity_key(CHECKOUT)])
        assert found[0][1]["status"].string_val == name


def test_pinning_makes_no_tables(feast):
    before = sql("SELECT count(*) FROM information_schema.tables")
    publication.ensure(feast, definitions.pinned(serve({CHECKOUT: {"theta_log2": 1.0}})))
    assert sql("SELECT count(*) FROM information_schema.tables") == before


def test_many_threads_read_at_once(feast):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    found: list[float] = []

    def work() -> None:
        found.extend(online(feast, CHECKOUT)["theta_log2"] for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1.0] * 160


# --- process --------------------------------------------------------------------------------------
def test_nothing_of_django_loads_feast_or_pandas_before_it_is_used():
    program = (
        "import sys, django; django.setup();"
        "import config.urls, apps.features.tasks, apps.features.publication;"
        "print([name for name in ('feast', 'pandas', 'pyarrow') if name in sys.modules])"
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "PYTHONPATH": ".",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_health_needs_a_warm_store_and_readable_tables(feast, monkeypatch):
    store.health()
    monkeypatch.setattr(store, "_opened", {})
    monkeypatch.setattr(store, "warm_up_in_background", lambda **_more: None)
    with pytest.raises(HealthError, match="warming up"):
        store.health()
    monkeypatch.undo()
    sql("ALTER TABLE feast_online.feast_kv RENAME TO elsewhere")
    try:
        with pytest.raises(HealthError, match="not readable"):
            store.health()
    finally:
        sql("ALTER TABLE feast_online.elsewhere RENAME TO feast_kv")
    store.health()


def test_warming_up_in_the_background_makes_health_pass(feast):
    store.warm_up_in_background(freeze=False)
    for thread in threading.enumerate():
        if thread.name == "feast-warm-up":
            thread.join(30)
    store.health()


def test_the_password_is_in_no_repr(feast):
    assert connections.parameters()["password"] not in repr(feast.config.online_store)
