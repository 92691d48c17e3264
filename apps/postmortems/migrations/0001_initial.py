import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('catalog', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Postmortem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(max_length=200)),
                ('narrative', models.TextField()),
                ('sha256', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postmortems', to='catalog.service')),
            ],
            options={
                'indexes': [models.Index(fields=['-created_at', '-id'], name='postmortems_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('sha256', models.Func(models.Func(models.Func(models.F('narrative'), models.Value('UTF8'), function='convert_to'), function='sha256'), models.Value('hex'), function='encode', output_field=models.CharField()))), name='postmortems_sha256_is_of_narrative'), models.CheckConstraint(condition=models.Q(('narrative__regex', '\\S'), ('title__regex', '\\S')), name='postmortems_not_blank')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='postmortem',
            trigger=pgtrigger.compiler.Trigger(name='immutable', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='b043e55f5cfde2321b25eaa405dd688dbe0ac729', operation='UPDATE OR DELETE', pgid='pgtrigger_immutable_32a67', table='postmortems_postmortem', when='BEFORE')),
        ),
    ]
