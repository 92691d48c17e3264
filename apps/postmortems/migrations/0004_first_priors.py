"""Ask for the priors of reviews that were filed before there were any; nothing where there is no review."""

from django.db import migrations


def ask(apps, schema_editor):
    if apps.get_model("postmortems", "Postmortem").objects.exists():
        apps.get_model("audit", "Outbox").objects.get_or_create(kind="postmortems.priors", key="first")


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0001_initial'),
        ('postmortems', '0003_drafts_set_aside'),
    ]

    operations = [migrations.RunPython(ask, migrations.RunPython.noop)]
