"""Series as JSON, and the forms of what is taken in."""

from __future__ import annotations

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.telemetry.models import OutcomeLabel, Series


class SeriesSerializer(serializers.ModelSerializer[Series]):
    service = serializers.CharField(source="service.slug", read_only=True)

    class Meta:
        model = Series
        fields = [
            "id",
            "service",
            "metric",
            "metric_family",
            "unit",
            "cadence_s",
            "samples",
            "first_at",
            "last_at",
            "source",
        ]
        read_only_fields = fields


class SeriesPageSerializer(serializers.Serializer[dict[str, object]]):
    items = SeriesSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SamplesSerializer(serializers.Serializer[dict[str, object]]):
    series = serializers.CharField()
    at = serializers.ListField(child=serializers.CharField(), help_text="times in UTC with six digits")
    value = serializers.ListField(child=serializers.FloatField(), help_text="one for each time")
    next_start = serializers.CharField(allow_null=True, help_text="`start` of the next page; null at the end")


class SeriesImportedSerializer(serializers.Serializer[dict[str, object]]):
    series = serializers.CharField()
    status = serializers.ChoiceField(choices=["imported", "unchanged"])
    added = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="stored samples whose value the file replaced")
    same = serializers.IntegerField()
    report = serializers.DictField(
        help_text="rows, samples, cadence, and issues by kind with count and first row"
    )


class SeriesUpload(serializers.Serializer[dict[str, object]]):
    file = serializers.FileField(help_text="CSV with the columns timestamp and value")


class LabelInput(StrictSerializer):
    series = serializers.CharField()
    start = serializers.CharField(help_text="ISO 8601, or a number since 1970")
    end = serializers.CharField(help_text="belongs to the incident")
    kind = serializers.ChoiceField(choices=OutcomeLabel.Kind.choices, default="incident", required=False)


class LabelsStoredSerializer(serializers.Serializer[dict[str, object]]):
    added = serializers.IntegerField()
    same = serializers.IntegerField(help_text="labels that were there already")
