from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0002_vocabularies'),
    ]

    operations = [
        migrations.AddField(
            model_name='term',
            name='group',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
    ]
