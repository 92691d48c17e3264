"""Give the revisions of before the row of the postmortem that they cite.

Revisions are append-only, so their trigger is told to look away for the length of this transaction: the
words, the hash and the lines stay as they are.
"""

from __future__ import annotations

from django.db import migrations

FILL = """
SELECT set_config('pgtrigger.ignore', '{pgtrigger_append_only_70255}', true);
UPDATE insights_revision AS revision SET source_postmortem_id = postmortem.id
  FROM postmortems_postmortem AS postmortem
 WHERE revision.document = 'postmortem:' || postmortem.id AND revision.source_postmortem_id IS NULL;
SELECT set_config('pgtrigger.ignore', '{}', true);
"""


class Migration(migrations.Migration):
    dependencies = [("insights", "0002_review_decisions"), ("postmortems", "0001_initial")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
