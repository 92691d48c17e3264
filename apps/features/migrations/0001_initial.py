import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# Feast's own places, beside Django's tables: its registry makes tables in one schema, our online store has the other.
FEAST_SCHEMAS = """
CREATE SCHEMA IF NOT EXISTS feast_registry;
CREATE SCHEMA IF NOT EXISTS feast_online;
CREATE TABLE feast_online.feast_kv (
    view text NOT NULL,
    entity_key bytea NOT NULL,
    payload bytea NOT NULL,
    event_ts timestamptz NOT NULL,
    created_ts timestamptz,
    PRIMARY KEY (view, entity_key)
);
"""
NO_FEAST_SCHEMAS = """
DROP SCHEMA feast_online CASCADE;
DROP SCHEMA feast_registry CASCADE;
"""


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL(FEAST_SCHEMAS, NO_FEAST_SCHEMAS),
        migrations.CreateModel(
            name='FeatureUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consumer', models.CharField(max_length=300)),
                ('feature_service', models.CharField(max_length=100)),
                ('release', models.PositiveIntegerField()),
                ('first_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('reads', models.PositiveBigIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('consumer', 'feature_service', 'release'), name='features_use_once')],
            },
        ),
        migrations.CreateModel(
            name='Release',
            fields=[
                ('number', models.PositiveIntegerField(primary_key=True, serialize=False)),
                ('known_at', models.DateTimeField(unique=True)),
                ('served_at', models.DateTimeField(null=True)),
                ('digest', models.CharField(max_length=64)),
                ('manifest', models.JSONField(default=list)),
                ('kind', models.CharField(choices=[('approve', 'Approve'), ('revise', 'Revise'), ('withdraw', 'Withdraw'), ('expire', 'Expire'), ('revert', 'Revert'), ('import', 'Import')], max_length=10)),
                ('author', models.CharField(max_length=150)),
                ('reason', models.TextField(blank=True, default='')),
                ('parent', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='child', to='features.release')),
            ],
            options={
                'ordering': ['-number'],
            },
        ),
        migrations.CreateModel(
            name='ProfileRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('series', models.CharField(max_length=200)),
                ('version', models.PositiveIntegerField()),
                ('known_at', models.DateTimeField()),
                ('status', models.CharField(choices=[('active', 'Active'), ('withdrawn', 'Withdrawn')], max_length=9)),
                ('values', models.JSONField(default=dict)),
                ('sources', models.JSONField(default=dict)),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='features.release')),
            ],
        ),
        migrations.CreateModel(
            name='Pin',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('pinned', 'Pinned'), ('retiring', 'Retiring'), ('retired', 'Retired')], default='pinned', max_length=8)),
                ('served_at', models.DateTimeField(null=True)),
                ('turn', models.PositiveIntegerField(default=1)),
                ('pinned_by', models.CharField(max_length=150)),
                ('pinned_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('release', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='pin', to='features.release')),
            ],
        ),
        migrations.CreateModel(
            name='ActivePointer',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('changes', models.PositiveBigIntegerField()),
                ('release', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='features.release')),
            ],
        ),
        migrations.AddIndex(
            model_name='release',
            index=models.Index(condition=models.Q(('served_at', None)), fields=['number'], name='features_release_unserved'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='features_release_number_positive'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['approve', 'revise', 'withdraw', 'expire', 'revert', 'import'])), name='features_release_kind'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('number', 1), ('parent__isnull', True)), models.Q(('number__gt', 1), ('parent', django.db.models.expressions.CombinedExpression(models.F('number'), '-', models.Value(1)))), _connector='OR'), name='features_release_linear'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.CheckConstraint(condition=models.Q(('served_at__isnull', True), ('served_at__gte', models.F('known_at')), _connector='OR'), name='features_release_served_after_known'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='fa185942f7efb15159f44c8811ce80f917e0a8b0', operation='DELETE', pgid='pgtrigger_no_delete_3bf41', table='features_release', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='immutable', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE candidate RECORD;', func="\n                    candidate := NEW;\n                    candidate.served_at := OLD.served_at;\n                    IF candidate IS DISTINCT FROM OLD OR OLD.served_at IS NOT NULL THEN\n                        RAISE EXCEPTION 'a release is never edited, only marked as served once';\n                    END IF;\n                    RETURN NEW;\n                ", hash='2a4f024e244f9b835b34789cda931fd022ba3fbf', operation='UPDATE', pgid='pgtrigger_immutable_18c8f', table='features_release', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='release',
            trigger=pgtrigger.compiler.Trigger(name='increasing', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF EXISTS (SELECT 1 FROM features_release r WHERE r.known_at >= NEW.known_at) THEN\n                        RAISE EXCEPTION 'known_at must be later than that of every release';\n                    END IF;\n                    RETURN NEW;\n                ", hash='c21b7dd9fe7442d3687ef94a0f133584707d2e1c', operation='INSERT', pgid='pgtrigger_increasing_af039', table='features_release', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='profilerow',
            constraint=models.UniqueConstraint(fields=('series', 'release'), name='features_row_once_per_release'),
        ),
        migrations.AddConstraint(
            model_name='profilerow',
            constraint=models.UniqueConstraint(fields=('series', 'known_at'), name='features_row_known_at_unique'),
        ),
        migrations.AddConstraint(
            model_name='profilerow',
            constraint=models.UniqueConstraint(fields=('series', 'version'), name='features_row_version_unique'),
        ),
        migrations.AddConstraint(
            model_name='profilerow',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'active'), models.Q(('values', {}), _negated=True)), models.Q(('sources', {}), ('status', 'withdrawn'), ('values', {})), _connector='OR'), name='features_row_withdrawn_is_empty'),
        ),
        migrations.AddConstraint(
            model_name='profilerow',
            constraint=models.CheckConstraint(condition=models.Q(('series__regex', '^[^/]+/[^/]+$')), name='features_row_series_id'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='profilerow',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ae10945eaf4235e77b349747404b487f46adb9f2', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a1224', table='features_profilerow', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='profilerow',
            trigger=pgtrigger.compiler.Trigger(name='same_known_at', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NOT EXISTS (\n                        SELECT 1 FROM features_release r\n                        WHERE r.number = NEW.release_id AND r.known_at = NEW.known_at\n                    ) THEN\n                        RAISE EXCEPTION 'a row carries the known_at of its release';\n                    END IF;\n                    RETURN NEW;\n                ", hash='057478333d9042e361909ef028906d55b2e49ecc', operation='INSERT', pgid='pgtrigger_same_known_at_cd679', table='features_profilerow', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='pin',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['pinned', 'retiring', 'retired'])), name='features_pin_state'),
        ),
        migrations.AddConstraint(
            model_name='pin',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'pinned'), ('served_at__isnull', True), _connector='OR'), name='features_pin_retired_is_unserved'),
        ),
        migrations.AddConstraint(
            model_name='activepointer',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='features_pointer_single'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='activepointer',
            trigger=pgtrigger.compiler.Trigger(name='no_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='20ce99a1c5b9fded216458414a078bde16506840', operation='DELETE', pgid='pgtrigger_no_delete_27950', table='features_activepointer', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='activepointer',
            trigger=pgtrigger.compiler.Trigger(name='forward_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n                    IF NEW.release_id < OLD.release_id OR NEW.changes <= OLD.changes THEN\n                        RAISE EXCEPTION 'the active release only moves forward';\n                    END IF;\n                    RETURN NEW;\n                ", hash='d884449bd585a383158166e64b4e54b5931bbd16', operation='UPDATE', pgid='pgtrigger_forward_only_0883f', table='features_activepointer', when='BEFORE')),
        ),
    ]
