"""Vocabularies of a review: when it fell, what contributed, how exact a time is. Run again, it only adds."""

from django.db import migrations

TECHNICAL, HUMAN, ORGANISATIONAL = "technical", "human", "organisational"

# slug -> (label, description, [(code, label, definition, aliases, group)])
VOCABULARIES = {
    "timing": ("Timing", "In which part of the week or of the work an incident fell.", [
        ("business_hours", "Business hours", "While most of the people who run the service were at work.", ["office hours"], ""),
        ("off_hours", "Off hours", "In the evening, at night or in the early morning of those who run the service.", ["night"], ""),
        ("weekend", "Weekend or holiday", "On a day on which most of them do not work.", ["holiday"], ""),
        ("peak_load", "Peak load", "While demand was near the highest of its day, week or season.", ["rush hour"], ""),
        ("low_load", "Low load", "While demand was near its lowest, so that little of it was hurt or noticed.", ["trough"], ""),
        ("during_change", "During a change", "While a rollout, migration or experiment was under way, or shortly after.", ["deploy window"], ""),
        ("during_maintenance", "During maintenance", "Inside a maintenance window that had been announced.", [], ""),
        ("scheduled_event", "Scheduled event", "With a sale, a batch, a deadline or another event that was in the calendar.", ["campaign", "month end"], ""),
        ("unknown", "Unknown", "It could not be found out.", [], ""),
    ]),
    "contributing_factor": ("Contributing factor", "What made the incident likelier, larger or longer, besides its trigger. Factors name conditions of work, never a person's fault.", [
        ("technical_debt", "Technical debt", "A known makeshift had never been replaced.", [], TECHNICAL),
        ("design_assumption", "Assumption in the design", "The design rested on something that was no longer true, or never had been.", [], TECHNICAL),
        ("insufficient_test", "Insufficient test", "No test would have shown the fault before it reached customers.", ["test gap"], TECHNICAL),
        ("missing_safeguard", "Missing safeguard", "Nothing limited the effect: no staged rollout, limit, timeout or check of inputs.", ["blast radius"], TECHNICAL),
        ("tight_coupling", "Tight coupling", "Parts that need not depend on each other failed together.", ["hidden dependency"], TECHNICAL),
        ("single_point_of_failure", "Single point of failure", "One part had no stand-in.", ["spof"], TECHNICAL),
        ("capacity_planning", "Capacity planning", "Demand was foreseen wrongly, or capacity was not added in time.", [], TECHNICAL),
        ("tooling_gap", "Tooling gap", "The tool for the task was missing, slow or misleading.", [], TECHNICAL),
        ("observability_gap", "Observability gap", "What went on could not be seen well enough to understand it.", [], TECHNICAL),
        ("environment_drift", "Drift between environments", "Test and production differed in a way that mattered.", [], TECHNICAL),
        ("confirmation_bias", "Confirmation bias", "Findings that fitted the first explanation weighed more than those that did not.", [], HUMAN),
        ("anchoring", "Anchoring", "The first number or theory named drew later judgements to itself.", ["fixation"], HUMAN),
        ("availability_bias", "Availability bias", "The cause of a recent or memorable incident was suspected first.", ["recency bias"], HUMAN),
        ("hindsight_bias", "Hindsight bias", "The review at first judged what people did by what was known only afterwards.", ["hindsight"], HUMAN),
        ("plan_continuation", "Plan continuation", "A plan was carried on although signs against it had appeared.", ["sunk cost"], HUMAN),
        ("automation_complacency", "Automation complacency", "An automatic system was trusted without a look at what it did.", [], HUMAN),
        ("alert_fatigue", "Alert fatigue", "So many alarms had been false that a true one was not taken seriously.", ["pager fatigue"], HUMAN),
        ("cognitive_overload", "Overload", "More came in than the people at work could take in.", ["task saturation"], HUMAN),
        ("fatigue", "Tiredness", "People had worked too long, or at a time at which they would sleep.", [], HUMAN),
        ("mode_confusion", "Mode confusion", "Somebody took the system to be in another state, environment or mode than it was.", ["slip"], HUMAN),
        ("normalisation_of_deviance", "Normalisation of deviance", "A deviation had gone well so often that it counted as normal.", [], ORGANISATIONAL),
        ("authority_gradient", "Authority gradient", "Somebody saw a problem and did not say so, or was not heard, because of rank.", [], ORGANISATIONAL),
        ("diffusion_of_responsibility", "Diffusion of responsibility", "Each of several people took it that another would act.", ["bystander effect"], ORGANISATIONAL),
        ("knowledge_silo", "Knowledge silo", "What was needed was known by one person or team alone.", ["bus factor"], ORGANISATIONAL),
        ("handover_gap", "Handover gap", "Something was lost between shifts, teams or time zones.", [], ORGANISATIONAL),
        ("unclear_ownership", "Unclear ownership", "Nobody knew whose the service, the alarm or the decision was.", [], ORGANISATIONAL),
        ("communication_gap", "Communication gap", "People who needed to know were told late, not at all, or in several contradictory ways.", [], ORGANISATIONAL),
        ("missing_runbook", "Missing runbook", "Instructions for this case were missing, outdated or not found.", [], ORGANISATIONAL),
        ("training_gap", "Training gap", "Nobody had practised this kind of case.", [], ORGANISATIONAL),
        ("understaffing", "Understaffing", "There were too few people for the work, or for the hours to be covered.", [], ORGANISATIONAL),
        ("schedule_pressure", "Schedule pressure", "A date weighed more than care.", ["time pressure"], ORGANISATIONAL),
        ("process_gap", "Process gap", "The agreed way of working allowed the mistake, or stood in the way of the cure.", ["review gap"], ORGANISATIONAL),
        ("conflicting_goals", "Conflicting goals", "What was asked of one team worked against what was asked of another.", [], ORGANISATIONAL),
    ]),
    "time_precision": ("Precision of a time", "How exactly a time is known. A time stands for the beginning of its second, minute, hour or day.", [
        ("second", "To the second", "From a log or a monitoring system.", [], ""),
        ("minute", "To the minute", "From a chat, a ticket or a careful memory.", [], ""),
        ("hour", "To the hour", "Roughly; another source would narrow it down.", [], ""),
        ("day", "To the day", "Only the date is known.", [], ""),
    ]),
}


def load(apps, schema_editor):
    vocabulary_model = apps.get_model("catalog", "Vocabulary")
    term_model = apps.get_model("catalog", "Term")
    for slug, (label, description, terms) in VOCABULARIES.items():
        vocabulary, _ = vocabulary_model.objects.get_or_create(
            slug=slug, defaults={"label": label, "description": description}
        )
        for position, (code, name, definition, aliases, group) in enumerate(terms):
            term_model.objects.get_or_create(
                vocabulary=vocabulary,
                code=code,
                defaults={
                    "label": name,
                    "definition": definition,
                    "aliases": aliases,
                    "position": position,
                    "group": group,
                },
            )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0003_term_group")]
    # Backwards nothing is undone: a code that was in use must stay readable; 0001 backwards drops the tables.
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
