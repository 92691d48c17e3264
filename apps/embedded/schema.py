"""Bring a database to the newest schema, once at a time."""

from __future__ import annotations

import io

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

FIRST_BOOT_LOCK = 4_226_010


def pending() -> bool:
    """Is there a migration that this database lacks?"""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate() -> bool:
    """Run what is missing, under an advisory lock so that two first starts queue. True if anything ran."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [FIRST_BOOT_LOCK])
    try:
        if not pending():
            return False
        call_command("migrate", interactive=False, verbosity=0, stdout=io.StringIO())
        return True
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [FIRST_BOOT_LOCK])
