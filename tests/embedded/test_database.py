"""Databases for commands: scratch ones beside the running one, and one for now where nothing runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import ProgrammingError, connection

from apps.embedded import database, schema
from tests.blackbox.installation import CHECKOUT, environment, folder
from tests.embedded.support import family, manage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data() -> Iterator[Path]:
    path = folder()
    yield path
    shutil.rmtree(path, ignore_errors=True)


def databases() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database")
        return {row[0] for row in cursor.fetchall()}


def where() -> tuple[str, str, str]:
    """What code may ask for the database: the connection, Django's settings, and the server itself."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        row = cursor.fetchone()
    return (
        str(connection.settings_dict["NAME"]),
        str(settings.DATABASES["default"]["NAME"]),
        str(row[0] if row else ""),
    )


@pytest.mark.unit
@pytest.mark.django_db(transaction=True)
def test_a_scratch_database_is_migrated_empty_and_the_default_one():
    before, url = where(), settings.DATABASE_URL
    get_user_model().objects.create(username="outside")
    with database.scratch() as name:
        assert where() == (name, name, name)
        assert settings.DATABASE_URL.endswith("/" + name)
        assert schema.pending() is False
        assert not get_user_model().objects.exists()
        get_user_model().objects.create(username="inside")
    assert where() == before
    assert url == settings.DATABASE_URL
    assert name not in databases()
    assert list(get_user_model().objects.values_list("username", flat=True)) == ["outside"]


@pytest.mark.unit
@pytest.mark.django_db(transaction=True)
def test_a_scratch_database_goes_also_when_the_work_in_it_fails():
    before = where()
    with pytest.raises(ProgrammingError), database.scratch() as name, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM nothing_of_that_name")
    assert where() == before
    assert name not in databases()


@pytest.mark.fault
def test_a_command_brings_its_own_postgres_where_nothing_runs_and_takes_it_away_again(data: Path):
    script = (
        "import django; django.setup(); from apps.embedded import database as d\n"
        "from django.db import connection\n"
        "with d.running(), connection.cursor() as c: c.execute('SELECT 42'); print(c.fetchone()[0])"
    )
    env = environment(data, {"DJANGO_SETTINGS_MODULE": "config.settings.base"})
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    assert family(data) == {}


@pytest.mark.fault
def test_a_database_url_that_does_not_answer_is_not_replaced_by_another_database(data: Path):
    script = (
        "import django; django.setup(); from apps.embedded import database, errors\n"
        "try:\n  with database.running(): pass\nexcept errors.StartError as error: print(error.problem)"
    )
    nowhere = "postgresql://a:b@127.0.0.1:1/c"
    env = environment(data, {"DJANGO_SETTINGS_MODULE": "config.settings.base", "DATABASE_URL": nowhere})
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=CHECKOUT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    why = 'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused'
    assert done.stdout == f"The database of DATABASE_URL does not answer: {why}.\n", done.stderr
    assert not (data / "postgres").exists()


@pytest.mark.fault
def test_doctor_works_where_nothing_runs(data: Path):
    done = manage(data, "doctor", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["data_folder"] == str(data)
    assert found["children"] == []
    assert found["problems"] == [{"problem": "Nothing runs.", "remedy": "Start it with `manage.py up`."}]


@pytest.mark.fault
def test_doctor_names_an_outside_database_that_does_not_answer(data: Path):
    done = manage(data, "doctor", DATABASE_URL="postgresql://a:secret@127.0.0.1:1/c")
    assert done.returncode == 1
    assert "outside database" in done.stdout
    assert "The database does not answer." in done.stdout
    assert "correct DATABASE_URL" in done.stdout
    assert "secret" not in done.stdout
