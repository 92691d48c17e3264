import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0004_people_and_time'),
        ('incidents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='RemediationAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('automated', models.BooleanField()),
                ('started_at', models.DateTimeField()),
                ('outcome', models.CharField(choices=[('succeeded', 'Succeeded'), ('failed', 'Failed'), ('unknown', 'Not known')], default='unknown', max_length=9)),
                ('reference', models.CharField(max_length=200)),
                ('told_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('incident', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='incidents.incident')),
                ('remediation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.term')),
            ],
            options={
                'ordering': ['started_at', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('incident', 'reference'), name='attempt_once_a_reference'), models.CheckConstraint(condition=models.Q(('outcome__in', ['succeeded', 'failed', 'unknown'])), name='attempt_outcome_known'), models.CheckConstraint(condition=models.Q(('reference__regex', '\\S')), name='attempt_has_a_reference')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='remediationattempt',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='6bd7031d7de256a992b07246fc52f93c01f50e05', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_14349', table='incidents_remediationattempt', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='remediationattempt',
            trigger=pgtrigger.compiler.Trigger(name='remediation_is_a_remediation', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF (SELECT vocabulary_id FROM catalog_term WHERE id = NEW.remediation_id) <> 'remediation' THEN RAISE EXCEPTION 'what was tried is a term of remediation' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='de922ad2c36ca287e4445c4e9f32298ce6aea302', operation='INSERT', pgid='pgtrigger_remediation_is_a_remediation_3d3a7', table='incidents_remediationattempt', when='BEFORE')),
        ),
    ]
