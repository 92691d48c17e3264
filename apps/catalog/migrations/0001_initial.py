import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Vocabulary',
            fields=[
                ('slug', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('version', models.PositiveIntegerField(default=1)),
                ('label', models.CharField(max_length=80)),
                ('description', models.TextField(blank=True, default='')),
            ],
        ),
        migrations.CreateModel(
            name='Term',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=60)),
                ('label', models.CharField(max_length=120)),
                ('definition', models.TextField()),
                ('aliases', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=80), blank=True, default=list, size=None)),
                ('position', models.PositiveIntegerField(default=0)),
                ('retired', models.BooleanField(default=False)),
                ('vocabulary', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='terms', to='catalog.vocabulary')),
            ],
        ),
        migrations.CreateModel(
            name='Service',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.CharField(max_length=80, unique=True)),
                ('name', models.CharField(blank=True, default='', max_length=120)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='services', to='accounts.team')),
                ('tier', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.term')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('slug__regex', '^[^\\s/\\\\]([^/\\\\]*[^\\s/\\\\])?$'), models.Q(('slug__in', ['.', '..']), _negated=True)), name='catalog_service_slug')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='service',
            trigger=pgtrigger.compiler.Trigger(name='tier_is_a_tier', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW.tier_id IS NOT NULL)', func="IF (SELECT vocabulary_id FROM catalog_term WHERE id = NEW.tier_id) <> 'service_tier' THEN RAISE EXCEPTION 'the tier of a service is a term of service_tier' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='e8392913a9351848a4b3c6f48d7b9ea69da889c9', operation='INSERT OR UPDATE', pgid='pgtrigger_tier_is_a_tier_85f30', table='catalog_service', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='term',
            constraint=models.UniqueConstraint(fields=('vocabulary', 'code'), name='catalog_term_code_once'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='term',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='9674437e8b9dfdebf2ada3501c87ad1131929e71', operation='DELETE', pgid='pgtrigger_never_deleted_044e6', table='catalog_term', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='term',
            trigger=pgtrigger.compiler.Trigger(name='code_is_fixed', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."vocabulary_id" IS DISTINCT FROM (NEW."vocabulary_id") OR OLD."code" IS DISTINCT FROM (NEW."code"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='3770d6ccc67b3ee3ece592957c80d33ae2cc97b2', operation='UPDATE', pgid='pgtrigger_code_is_fixed_bbe5e', table='catalog_term', when='BEFORE')),
        ),
    ]
