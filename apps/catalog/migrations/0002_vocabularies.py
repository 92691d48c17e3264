"""The vocabularies of a new installation. Data only; run again, it adds what is missing and changes nothing else."""

from django.db import migrations

# slug -> (label, description, [(code, label, definition, aliases)])
VOCABULARIES = {
    "severity": ("Severity", "How much an incident hurts; a lower number hurts more.", [
        ("SEV-0", "Catastrophe", "The existence of the service or of the data is in question.", []),
        ("SEV-1", "Critical", "Most customers cannot use the product; public notice and executives are involved.", ["P1", "critical"]),
        ("SEV-2", "Major", "Many customers are hurt, or an important function is gone.", ["P2", "high", "error"]),
        ("SEV-3", "Minor", "Few customers notice; urgent for the owners all the same.", ["P3", "warning"]),
        ("SEV-4", "Low", "Slower or less convenient; no customer is hindered.", ["P4", "info"]),
        ("SEV-5", "Cosmetic", "Only looks wrong.", ["P5", "low"]),
        ("UNKNOWN", "Not yet known", "Nobody has judged it yet.", []),
    ]),
    "service_tier": ("Service tier", "How much the business depends on a service.", [
        ("tier_0", "Tier 0", "Everything stands still without it.", ["critical"]),
        ("tier_1", "Tier 1", "Customers notice within minutes when it is gone.", ["high"]),
        ("tier_2", "Tier 2", "Customers notice within hours, or work around it.", ["medium"]),
        ("tier_3", "Tier 3", "Internal, or only a convenience.", ["low"]),
    ]),
    "trigger": ("Trigger", "What set the incident off, as apart from why it could happen.", [
        ("binary_push", "Software rollout", "A new version of the program was rolled out.", ["deploy", "release"]),
        ("config_push", "Configuration rollout", "A changed setting was rolled out.", ["configuration change"]),
        ("user_behaviour", "Change in use", "Customers used it otherwise, or much more.", ["traffic spike", "naive traffic"]),
        ("processing_pipeline", "Processing pipeline", "A batch or stream of data ran late, failed or gave bad output.", []),
        ("provider_change", "Change at a provider", "Somebody whose service is used changed it.", ["external dependency"]),
        ("performance_decay", "Slow decay", "It became worse bit by bit until a limit was met.", []),
        ("capacity_management", "Capacity management", "Capacity was moved, removed or not added in time.", ["saturation"]),
        ("hardware", "Hardware", "A machine or a part of one failed.", []),
        ("feature_flag", "Feature flag", "A function was switched on or off.", ["toggle"]),
        ("schema_or_data_migration", "Migration", "A schema or stored data was converted.", ["db migration"]),
        ("data_change", "Data change", "Data that steer the system were changed.", []),
        ("model_change", "Model change", "A learnt model or its features were replaced.", []),
        ("operator_action", "Operator action", "A step done by hand had an effect nobody expected.", []),
        ("maintenance", "Maintenance", "Planned work went otherwise than planned.", []),
        ("network_event", "Network event", "A link, route or device between machines changed or failed.", []),
        ("power_cooling", "Power or cooling", "Electricity or cooling failed.", []),
        ("time_event", "Time event", "A date, leap second, clock step or daylight saving change was met.", []),
        ("certificate_expiry", "Expiry", "A certificate, key, licence or domain ran out.", []),
        ("security_attack", "Attack", "Somebody meant harm.", ["malicious traffic"]),
        ("latent_defect", "Latent defect", "An old fault met the condition that it had waited for.", []),
        ("unknown", "Unknown", "It could not be found out.", ["indeterminate"]),
    ]),
    "failure_mode": ("Failure mode", "In which way the system failed.", [
        ("code_defect", "Code defect", "The program did not do what its authors meant.", ["bug", "software"]),
        ("config_error", "Configuration error", "A setting was wrong for where it was used.", ["misconfiguration"]),
        ("deployment_error", "Deployment error", "The rollout itself went wrong: order, version or extent.", []),
        ("dependency_failure", "Dependency failure", "Something it needs inside the organisation failed.", []),
        ("third_party_change", "Third-party failure", "Something outside the organisation failed or changed.", []),
        ("capacity_saturation", "Saturation", "A limit of processor, memory, connections or quota was reached.", ["overload"]),
        ("cascading_failure", "Cascade", "One failure overloaded the next part, and so on.", []),
        ("resource_leak", "Leak", "Memory, handles or connections were taken and not given back.", []),
        ("data_corruption_or_loss", "Corrupt or lost data", "Stored data became wrong or were lost.", []),
        ("database_failure", "Database failure", "A database was slow, locked, full or away.", []),
        ("identifier_overflow", "Number range used up", "An identifier or counter reached the end of its type.", []),
        ("network_routing", "Network", "Packets were lost, misrouted or late.", []),
        ("dns", "Name resolution", "Names were not resolved, or to the wrong place.", []),
        ("hardware", "Hardware", "A machine or a part of one failed.", []),
        ("power_cooling", "Power or cooling", "Electricity or cooling failed.", []),
        ("certificate_expiry", "Expiry", "A certificate, key, licence or domain had run out.", []),
        ("time_bug", "Time defect", "A clock, calendar or time zone was handled wrongly.", []),
        ("auth_failure", "Access failure", "Those who may were refused, for example by a broken sign-in.", []),
        ("security_breach", "Breach", "Those who may not came in.", []),
        ("monitoring_gap", "Monitoring gap", "It went on unseen because nothing watched it.", []),
        ("human_process", "Process", "The procedure allowed or led to the fault; name the procedure, not the person.", ["human error"]),
        ("ml_feature_pipeline", "Model input pipeline", "The features of a model were missing, late or computed otherwise than in training.", []),
        ("ml_data_drift", "Data drift", "What a model met was no longer what it had learnt.", ["distributional shift"]),
        ("ml_model_regression", "Model regression", "A new model was worse than the one before.", []),
        ("ml_adversarial_input", "Adversarial input", "Inputs were made to mislead a model.", ["poisoning", "perturbation"]),
    ]),
    "detection": ("Detection", "How the incident was first noticed.", [
        ("automated_alert", "Automated alert", "A rule on a metric or log fired.", []),
        ("slo_burn", "Error budget", "The error budget was being used up too fast.", []),
        ("synthetic", "Synthetic check", "A robot that plays customer failed.", ["probe"]),
        ("anomaly_model", "Anomaly model", "A learnt detector raised an alarm.", []),
        ("customer_report", "Customer", "A customer told us.", []),
        ("employee_report", "Employee", "Somebody inside noticed by chance.", []),
        ("third_party_report", "Third party", "Somebody outside who is no customer told us.", ["external"]),
        ("partner", "Partner", "An organisation that we work with told us.", []),
        ("audit", "Audit", "A later check of records showed it.", []),
        ("unknown", "Unknown", "It was not written down.", []),
    ]),
    "monitoring_gap": ("Why monitoring failed", "Why monitoring did not show the incident in time, if it did not.", [
        ("not_failed", "It did not fail", "Monitoring showed the incident in time.", []),
        ("unclear", "Unclear", "The record does not say.", []),
        ("monitor_bug", "Defective monitor", "There was a monitor, and it was wrong.", []),
        ("no_monitors", "No monitor", "Nobody had set up a monitor for this.", []),
        ("telemetry_coverage", "No telemetry", "The signal that would have shown it was not collected.", []),
        ("cannot_detect", "Not detectable", "No signal could have shown it.", []),
        ("external_effect", "Outside", "The effect was outside of what is watched.", []),
    ]),
    "remediation": ("Remediation", "What ended the harm.", [
        ("rollback", "Rollback", "The version or setting before was put back.", ["revert"]),
        ("roll_forward_hotfix", "Hotfix", "A corrected version was rolled out.", ["code fix"]),
        ("config_fix", "Configuration fix", "A setting was corrected.", []),
        ("feature_flag_off", "Flag off", "The function was switched off.", []),
        ("failover", "Failover", "A standby took over.", []),
        ("traffic_shift", "Traffic shift", "Requests were led elsewhere.", ["drain"]),
        ("throttle", "Throttle", "Requests were limited or shed.", ["rate limit"]),
        ("scale_up", "Scale up", "Capacity was added.", []),
        ("scale_down", "Scale down", "Capacity or load was taken away.", []),
        ("restart", "Restart", "Something was started anew.", ["reboot"]),
        ("isolate_component", "Isolate", "The faulty part was cut off.", ["quarantine"]),
        ("restore_from_backup", "Restore", "Data were brought back from a copy.", []),
        ("manual_data_repair", "Data repair", "Stored data were corrected by hand.", []),
        ("credential_rotation", "New credentials", "Keys, certificates or passwords were replaced.", []),
        ("hardware_replace", "Hardware replaced", "A machine or a part was exchanged.", []),
        ("vendor_fix", "Provider's fix", "Somebody outside repaired it.", ["external fix"]),
        ("model_rollback", "Model rollback", "The model or features before were put back.", []),
        ("retrain", "Retrain", "A model was trained anew.", []),
        ("threshold_change", "Threshold change", "The limits of a detector were changed.", []),
        ("self_healed", "Healed itself", "It ended without anybody's doing.", ["transient"]),
    ]),
    "slow_mitigation": ("Why mitigation was slow", "What kept the harm from ending sooner, if anything did.", [
        ("not_failed", "It was not slow", "The harm ended as soon as could be expected.", []),
        ("unclear", "Unclear", "The record does not say.", []),
        ("documents_procedures", "Documents", "Instructions were missing, wrong or not found.", []),
        ("deployment_delay", "Slow rollout", "The cure was known and took long to roll out.", []),
        ("manual_effort", "Manual effort", "Many steps had to be done by hand.", []),
        ("complex_root_cause", "Hard to understand", "It took long to find what was wrong.", []),
        ("external_dependency", "Waiting for others", "Somebody outside had to act.", []),
    ]),
    "action_type": ("Action type", "What an action item is meant to change.", [
        ("detect", "Detect", "The next one is noticed sooner or more surely.", ["detective"]),
        ("mitigate", "Mitigate", "The next one hurts less or ends sooner.", ["corrective"]),
        ("prevent", "Prevent", "This cannot happen again, or more rarely.", ["preventative"]),
        ("process", "Process", "People work together better.", []),
        ("investigate", "Investigate", "An open question is answered.", []),
        ("repair", "Repair", "What this incident broke is made whole.", []),
    ]),
    "confidence": ("Confidence", "How sure a judgement is, in words for a number from 0 to 1.", [
        ("low", "Low", "Thin or contradictory evidence.", []),
        ("moderate", "Moderate", "Credible evidence that leaves room for another reading.", ["medium"]),
        ("high", "High", "Good evidence from more than one source.", []),
    ]),
    "tlp": ("Traffic Light Protocol 2.0", "With whom something may be shared.", [
        ("TLP:RED", "Red", "Only the people named.", []),
        ("TLP:AMBER+STRICT", "Amber, strict", "The own organisation, as far as needed.", []),
        ("TLP:AMBER", "Amber", "The own organisation and its clients, as far as needed.", []),
        ("TLP:GREEN", "Green", "The community, not the public.", []),
        ("TLP:CLEAR", "Clear", "Everybody.", ["TLP:WHITE"]),
    ]),
}


def load(apps, schema_editor):
    vocabulary_model = apps.get_model("catalog", "Vocabulary")
    term_model = apps.get_model("catalog", "Term")
    for slug, (label, description, terms) in VOCABULARIES.items():
        vocabulary, _ = vocabulary_model.objects.get_or_create(
            slug=slug, defaults={"label": label, "description": description}
        )
        for position, (code, name, definition, aliases) in enumerate(terms):
            term_model.objects.get_or_create(
                vocabulary=vocabulary,
                code=code,
                defaults={
                    "label": name, "definition": definition, "aliases": aliases, "position": position
                },
            )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]
    # Backwards nothing is undone: a code that was in use must stay readable; 0001 backwards drops the tables.
    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
