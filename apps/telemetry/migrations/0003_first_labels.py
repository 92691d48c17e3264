"""Ask for the labels that were stored before they were told to anybody; nothing where there are none."""

from django.db import migrations


def ask(apps, schema_editor):
    if apps.get_model("telemetry", "OutcomeLabel").objects.exists():
        apps.get_model("audit", "Outbox").objects.get_or_create(kind="telemetry.tell_labels", key="first")


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('telemetry', '0002_labels_by_source'),
    ]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
