from django.db import migrations

# The metric of an action was chosen when it was opened, and a replay had one method for each.
FILL = """
UPDATE actions_actionitem
   SET criterion_registered_at = created_at,
       test = CASE metric WHEN 'false_alarms_per_day' THEN 'sign_flip'
                          WHEN 'recall' THEN 'exact_binomial' ELSE 'sign_test' END
 WHERE metric <> ''
"""


class Migration(migrations.Migration):

    dependencies = [
        ('actions', '0002_criterion'),
    ]

    operations = [
        migrations.RunSQL(FILL, reverse_sql=migrations.RunSQL.noop),
    ]
