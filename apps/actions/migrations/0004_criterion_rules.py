import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('actions', '0003_criteria_of_before'),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name='actionitem',
            trigger=pgtrigger.compiler.Trigger(name='criterion_before_done', sql=pgtrigger.compiler.UpsertTriggerSql(func="\n            IF OLD.insight_id IS DISTINCT FROM NEW.insight_id OR OLD.metric IS DISTINCT FROM NEW.metric OR OLD.direction IS DISTINCT FROM NEW.direction OR OLD.smallest_effect IS DISTINCT FROM NEW.smallest_effect OR OLD.population IS DISTINCT FROM NEW.population OR OLD.window_days IS DISTINCT FROM NEW.window_days OR OLD.settle_days IS DISTINCT FROM NEW.settle_days OR OLD.test IS DISTINCT FROM NEW.test THEN\n                IF OLD.state = 'done' OR NEW.state = 'done' THEN\n                    RAISE EXCEPTION 'the criterion of a done action cannot change'\n                        USING ERRCODE = 'check_violation';\n                END IF;\n                IF NEW.criterion_registered_at IS NOT NULL\n                   AND NEW.criterion_registered_at <= OLD.criterion_registered_at THEN\n                    RAISE EXCEPTION 'a changed criterion is registered anew'\n                        USING ERRCODE = 'check_violation';\n                END IF;\n            ELSIF OLD.criterion_registered_at IS DISTINCT FROM NEW.criterion_registered_at THEN\n                RAISE EXCEPTION 'a criterion is registered when it changes, and not otherwise'\n                    USING ERRCODE = 'check_violation';\n            END IF;\n            RETURN NEW;\n        ", hash='27d9729a666c20abd0ca8652dc0f4addb53958f5', operation='UPDATE', pgid='pgtrigger_criterion_before_done_c38d6', table='actions_actionitem', when='BEFORE')),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(('metric__in', ['', 'false_alarms_per_day', 'recall', 'time_to_detect', 'incident_count', 'time_to_resolve', 'severity', 'remediation_success'])), name='action_metric_known'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(('smallest_effect__isnull', True), ('smallest_effect__lt', 1), ('metric__in', ['time_to_detect']), _connector='OR'), name='action_smallest_effect_a_share'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('metric', 'false_alarms_per_day'), ('test__in', ['sign_flip'])), models.Q(('metric', 'recall'), ('test__in', ['exact_binomial'])), models.Q(('metric', 'time_to_detect'), ('test__in', ['sign_test'])), models.Q(('metric', 'incident_count'), ('test__in', ['placebo_rank'])), models.Q(('metric', 'time_to_resolve'), ('test__in', ['welch_log', 'log_rank', 'permutation'])), models.Q(('metric', 'severity'), ('test__in', ['permutation'])), models.Q(('metric', 'remediation_success'), ('test__in', ['wilson'])), models.Q(('metric', ''), ('test', '')), _connector='OR'), name='action_test_fits_the_metric'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(('window_days__gte', 28), ('window_days__lte', 365)), name='action_window_in_range'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(('settle_days__lte', 56)), name='action_settling_in_range'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('metric__in', ['incident_count', 'time_to_resolve', 'severity', 'remediation_success']), _negated=True), ('population__services__0__isnull', False), _connector='OR'), name='action_field_metric_has_a_population'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('criterion_registered_at__isnull', True), ('metric', '')), models.Q(models.Q(('metric', ''), _negated=True), ('criterion_registered_at__isnull', False)), _connector='OR'), name='action_criterion_registered'),
        ),
        migrations.AddConstraint(
            model_name='actionitem',
            constraint=models.CheckConstraint(condition=models.Q(('done_at__isnull', True), ('criterion_registered_at__isnull', True), ('criterion_registered_at__lt', models.F('done_at')), _connector='OR'), name='action_criterion_before_done'),
        ),
    ]
