"""Install pgmq's SQL (no extension), so that the queues of Celery live in the same database."""

from __future__ import annotations

from django.db import migrations


def install(apps, schema_editor):
    from pgmq.install import get_embedded_install_sql

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq')")
        if cursor.fetchone()[0] is None:
            cursor.cursor.connection.execute(get_embedded_install_sql())


def remove(apps, schema_editor):
    schema_editor.execute("DROP SCHEMA IF EXISTS pgmq CASCADE")


class Migration(migrations.Migration):
    dependencies = []
    operations = [migrations.RunPython(install, remove)]
