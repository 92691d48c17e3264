"""What every test stands on: a PostgreSQL of its own session, one marker a test, the real series."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import environ
import pytest
from django.apps import apps as registry
from django.conf import settings
from django.db import connection
from pytest_django.plugin import blocking_manager_key

from apps.embedded.postgres import Server

# Helpers check too: rewritten, their asserts hold under PYTHONOPTIMIZE=1 as those of the tests do.
pytest.register_assert_rewrite(
    "tests.reading",
    *(f"tests.{path.stem}" for path in Path(__file__).parent.iterdir() if path.is_dir()),
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

KINDS = ("unit", "api", "data", "fault", "page", "browser")
CHECKOUT = Path(__file__).resolve().parents[1]

_server: Server | None = None
_folder: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Start the session's PostgreSQL before Django reads its settings; xdist's workers inherit the URL."""
    global _server, _folder  # noqa: PLW0603  # the session's own, stopped in pytest_unconfigure
    if os.environ.get("DATABASE_URL"):
        return
    _folder = Path(tempfile.mkdtemp(prefix="aftercast-pg-"))
    _folder.chmod(0o755)
    _server = Server(_folder, durable=False)
    os.environ["DATABASE_URL"] = _server.start()
    _use(os.environ["DATABASE_URL"])


def _use(url: str) -> None:
    """Point settings, which pytest-django has read already, at the session's database."""
    settings.DATABASE_URL = url
    settings.DATABASES["default"].update(
        environ.Env.db_url_config(url), ENGINE="django.db.backends.postgresql"
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started here, and leave nothing behind."""
    if _server is None or _folder is None:
        return
    _server.stop()
    os.environ.pop("DATABASE_URL", None)
    shutil.rmtree(_folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that is not exactly one of the kinds."""
    wrong = [item.nodeid for item in items if sum(1 for kind in KINDS if item.get_closest_marker(kind)) != 1]
    if wrong:
        raise pytest.UsageError(
            f"each test carries exactly one marker of {', '.join(KINDS)}; not so: {wrong[:10]}"
        )


class Tally:
    """Counts what passed, by kind, and everything that did not, for the runner's last line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        kind = next((kind for kind in KINDS if kind in report.keywords), "unknown")
        if report.when == "call" and report.passed:
            self.counts[kind] += 1
        if report.skipped:
            self.counts["skipped"] += 1
        if report.failed:
            self.counts["failed"] += 1

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps(self.counts))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tally in the controller alone, where all reports arrive."""
    path = os.environ.get("AFTERCAST_TEST_TALLY")
    if path and not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Tally(Path(path)))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The session's database; Feast and threads of a live server must leave it before it is dropped."""
    yield
    from apps.features.store import close_stores  # noqa: PLC0415  # needs the settings, ready by now

    close_stores()
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()  # beside an event loop Django may not find it again to close it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Bring the vocabularies back: a test with real transactions ends by emptying every table."""
    yield
    if nextitem is not None and empties_tables(item):
        with item.config.stash[blocking_manager_key].unblock():
            load_vocabularies()


def empties_tables(item: pytest.Item) -> bool:
    """Whether the test commits for good, so that its end truncates every table."""
    marker = item.get_closest_marker("django_db")
    by_marker = marker is not None and bool(marker.kwargs.get("transaction"))
    return by_marker or not {"transactional_db", "live_server"}.isdisjoint(getattr(item, "fixturenames", ()))


def load_vocabularies() -> None:
    """The rows of the catalogue's migrations, by the migrations' own functions; what is there stays."""
    for name in ("0002_vocabularies", "0004_people_and_time"):
        import_module(f"apps.catalog.migrations.{name}").load(registry, None)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real series, beside the checkout or where AFTERCAST_DATA_DIR says."""
    folder = Path(os.environ.get("AFTERCAST_DATA_DIR", CHECKOUT.parent / "shared" / "data"))
    if not (folder / "nab").is_dir():
        pytest.fail(f"No labelled series in {folder}. Set AFTERCAST_DATA_DIR to the folder that holds nab/.")
    return folder
