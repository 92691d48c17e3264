import django.db.models.deletion
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
                ('sha256', models.CharField(editable=False, max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postmortems', to=settings.AUTH_USER_MODEL)),
                ('service', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postmortems', to='catalog.service')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('narrative__regex', '\\S')), name='postmortem_has_words'), models.CheckConstraint(condition=models.Q(('sha256', models.Func(models.Func(models.Func(models.F('narrative'), models.Value('UTF8'), function='convert_to'), function='sha256'), models.Value('hex'), function='encode', output_field=models.CharField()))), name='postmortem_hash_is_of_its_words')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='postmortem',
            trigger=pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='022ebace4c827b8ffb70c5dcbb717f57d1debd9c', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_371e3', table='postmortems_postmortem', when='BEFORE')),
        ),
    ]
