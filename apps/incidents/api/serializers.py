"""Incidents as JSON, and the forms of what is taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.catalog.models import MAX_SLUG
from apps.common.times import iso_us
from apps.incidents import checking
from apps.incidents.codes import Kind, Origin, Precision, State, TimeKind, TimeStatus, next_states
from apps.incidents.metrics import TimeValue
from apps.incidents.models import MAX_NOTE, MAX_SOURCE, MAX_SUMMARY, MAX_TITLE, Incident

if TYPE_CHECKING:
    from collections.abc import Mapping


class TimeInput(StrictSerializer):
    status = serializers.ChoiceField(choices=TimeStatus.choices, required=False, default="recorded")
    at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="UTC if no zone is named"
    )
    source = serializers.CharField(  # type: ignore[assignment]  # an input of this name, not a Field's setting
        required=False, default="", allow_blank=True, max_length=MAX_SOURCE
    )
    precision = serializers.ChoiceField(choices=Precision.choices, required=False, default="minute")


class TimesInput(StrictSerializer):
    impact_start = TimeInput(required=False)
    detected = TimeInput(required=False)
    acknowledged = TimeInput(required=False)
    escalated = TimeInput(required=False)
    mitigated = TimeInput(required=False)
    resolved = TimeInput(required=False)


class IncidentInput(StrictSerializer):
    title = serializers.CharField(max_length=MAX_TITLE)
    service = serializers.CharField(max_length=MAX_SLUG, trim_whitespace=False)
    severity = serializers.CharField(max_length=60, help_text="code of the vocabulary severity")
    kind = serializers.ChoiceField(choices=Kind.choices, required=False, default="incident")
    state = serializers.ChoiceField(choices=State.choices, required=False)
    summary = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_SUMMARY)
    series = serializers.ListField(child=serializers.CharField(max_length=200), required=False, default=list)
    times = TimesInput(required=False)
    origin = serializers.ChoiceField(choices=Origin.choices, required=False, default="own")
    is_drill = serializers.BooleanField(required=False, default=False)
    is_holdout = serializers.BooleanField(required=False, default=False)


class AmendmentInput(StrictSerializer):
    version = serializers.IntegerField(min_value=1, help_text="the version that these changes are made to")
    title = serializers.CharField(max_length=MAX_TITLE, required=False)
    service = serializers.CharField(max_length=MAX_SLUG, trim_whitespace=False, required=False)
    severity = serializers.CharField(max_length=60, required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    summary = serializers.CharField(required=False, allow_blank=True, max_length=MAX_SUMMARY)
    series = serializers.ListField(child=serializers.CharField(max_length=200), required=False)
    times = TimesInput(required=False)
    is_drill = serializers.BooleanField(required=False)
    is_holdout = serializers.BooleanField(required=False)


class MoveInput(StrictSerializer):
    state = serializers.ChoiceField(choices=State.choices)
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=MAX_NOTE)
    at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="when it was mitigated or resolved"
    )
    merged_into = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=1)
    version = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, help_text="refuse if it is not the newest"
    )


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    service = serializers.CharField(source="service.slug", read_only=True)
    severity = serializers.CharField(source="severity.code", read_only=True)
    declared_by = serializers.CharField(source="declared_by.username", read_only=True)
    next_states = serializers.SerializerMethodField()
    series = serializers.SerializerMethodField()
    times = serializers.SerializerMethodField()
    metrics = serializers.SerializerMethodField()
    created_at = serializers.SerializerMethodField()
    occurred_at = serializers.SerializerMethodField()

    class Meta:
        model = Incident
        fields = [
            "id",
            "title",
            "service",
            "severity",
            "kind",
            "origin",
            "state",
            "next_states",
            "summary",
            "is_drill",
            "is_holdout",
            "series",
            "times",
            "metrics",
            "merged_into",
            "declared_by",
            "created_at",
            "occurred_at",
            "version",
        ]
        read_only_fields = fields

    def get_next_states(self, row: Incident) -> list[str]:
        return [str(state) for state in next_states(row.state)]

    def get_series(self, row: Incident) -> list[str]:
        return sorted(series.pk for series in row.series.all())

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
    def get_times(self, row: Incident) -> dict[str, Any]:
        times = row.times_by_kind()
        return {kind: checking.time_json(times.get(kind, TimeValue("pending"))) for kind in TimeKind.values}

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "object"}})
    def get_metrics(self, row: Incident) -> dict[str, Any]:
        return {
            code: {"seconds": metric.seconds, "reason": metric.reason}
            for code, metric in row.metrics().items()
        }

    def get_created_at(self, row: Incident) -> str:
        return iso_us(row.created_at)

    def get_occurred_at(self, row: Incident) -> str:
        return iso_us(row.occurred_at)


class IncidentPageSerializer(serializers.Serializer[Any]):
    items = IncidentSerializer(many=True)
    next = serializers.CharField(allow_null=True)


def values(times: Mapping[str, Mapping[str, Any]]) -> dict[str, TimeValue]:
    """The times of a request as services take them."""
    return {kind: TimeValue(**told) for kind, told in times.items()}
