import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('actions', '0004_criterion_rules'),
        ('impact', '0003_field_metrics'),
        ('insights', '0005_findings'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reevaluation',
            fields=[
                ('quarter', models.DateField(help_text='its first day', primary_key=True, serialize=False)),
                ('facts', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='verdict',
            name='code',
            field=models.CharField(default='not kept', max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verdict',
            name='data_hash',
            field=models.CharField(default='not kept', max_length=64),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='verdict',
            name='evidence',
            field=models.CharField(choices=[('replay', 'Replay'), ('field', 'Field')], default='replay', max_length=6),
        ),
        migrations.AlterField(
            model_name='verdict',
            name='insight',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='verdicts', to='insights.insight'),
        ),
        migrations.AlterField(
            model_name='verdict',
            name='revision',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('evidence', 'replay'), ('metric__in', ['false_alarms_per_day', 'recall', 'time_to_detect'])), models.Q(('evidence', 'field'), ('metric__in', ['incident_count', 'time_to_resolve', 'severity', 'remediation_success'])), _connector='OR'), name='verdict_evidence_fits_the_metric'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('evidence', 'replay'), _negated=True), models.Q(('insight__isnull', False), ('revision__isnull', False)), _connector='OR'), name='verdict_by_replay_is_of_a_revision'),
        ),
        migrations.AddConstraint(
            model_name='verdict',
            constraint=models.CheckConstraint(condition=models.Q(('code__regex', '\\S'), ('data_hash__regex', '\\S'), ('split_hash__regex', '\\S')), name='verdict_names_split_data_and_code'),
        ),
        migrations.AddField(
            model_name='reevaluation',
            name='action',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='reevaluation', to='actions.actionitem'),
        ),
        migrations.AddConstraint(
            model_name='reevaluation',
            constraint=models.CheckConstraint(condition=models.Q(('quarter__day', 1), ('quarter__month__in', [1, 4, 7, 10])), name='reevaluation_of_a_quarter'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='reevaluation',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3de3f6379b13f4de9a3f9f8fb0600ff263d14a54', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_17be1', table='impact_reevaluation', when='BEFORE')),
        ),
    ]
