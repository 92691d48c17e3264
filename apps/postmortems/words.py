"""The vocabularies that a review speaks: which, how many codes of each, and which must be there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One controlled field of a review: `slug` names its vocabulary."""

    slug: str
    question: str
    many: bool = False
    mandatory: bool = False


FIELDS = (
    Field("trigger", "What set it off?", many=True),
    Field("failure_mode", "How did it fail?", many=True, mandatory=True),
    Field("service_tier", "How much depends on the service?", mandatory=True),
    Field("timing", "When did it happen?", mandatory=True),
    Field("detection", "How was it first noticed?"),
    Field("monitoring_gap", "Why did monitoring not show it in time?"),
    Field("remediation", "What ended the harm?", many=True, mandatory=True),
    Field("slow_mitigation", "What kept the harm from ending sooner?"),
    Field("contributing_factor", "What contributed?", many=True),
)
BY_SLUG = {field.slug: field for field in FIELDS}
SINGLE = tuple(field.slug for field in FIELDS if not field.many)
MANDATORY = tuple(field.slug for field in FIELDS if field.mandatory)
FACTORS = "contributing_factor"
TECHNICAL = "technical"  # the group of terms that are no human or organisational factors

PEOPLE_NOTICED = ("customer_report", "employee_report", "third_party_report", "partner")
CHANGES = (
    "binary_push",
    "config_push",
    "feature_flag",
    "schema_or_data_migration",
    "data_change",
    "model_change",
    "maintenance",
)
