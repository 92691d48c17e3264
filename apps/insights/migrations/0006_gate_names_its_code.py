from django.db import migrations, models

# Which code made the rows that are there, and from which samples, is not known. The default of the new
# columns says so; an update would be refused, since the rows are append-only.
BEFORE = "unknown:before-code-and-data-were-kept"


class Migration(migrations.Migration):

    dependencies = [
        ('insights', '0005_findings'),
    ]

    operations = [
        migrations.AddField(
            model_name='gateresult',
            name='code',
            field=models.CharField(default=BEFORE, max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='gateresult',
            name='data_hash',
            field=models.CharField(default=BEFORE, max_length=64),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='gateresult',
            constraint=models.CheckConstraint(condition=models.Q(('code__regex', '\\S')), name='gate_result_has_code'),
        ),
        migrations.AddConstraint(
            model_name='gateresult',
            constraint=models.CheckConstraint(condition=models.Q(('verdict', 'impossible'), models.Q(('data_hash__regex', '\\S'), ('split_hash__regex', '\\S')), _connector='OR'), name='gate_result_has_data_and_split'),
        ),
    ]
