"""Alarms as JSON."""

from __future__ import annotations

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.alerts.models import Alarm
from apps.common.times import iso_us


class AlarmInput(StrictSerializer):
    series = serializers.CharField()
    at = serializers.CharField(help_text="ISO 8601, or a number since 1970")
    score = serializers.FloatField()
    release = serializers.IntegerField(
        allow_null=True, required=False, help_text="the release that the detector had read"
    )


class AlarmSerializer(serializers.ModelSerializer[Alarm]):
    at = serializers.SerializerMethodField()
    reported_by = serializers.CharField(source="reported_by.username", read_only=True)

    class Meta:
        model = Alarm
        fields = ["id", "series", "at", "score", "release", "reported_by", "received_at"]
        read_only_fields = fields

    def get_at(self, alarm: Alarm) -> str:
        return iso_us(alarm.at)


class AlarmPageSerializer(serializers.Serializer[dict[str, object]]):
    items = AlarmSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class DifferingAlarmSerializer(serializers.Serializer[dict[str, object]]):
    item = serializers.IntegerField(help_text="its number in the request, from 0")
    series = serializers.CharField()
    at = serializers.CharField()
    release = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField(help_text="as reported now; not kept")
    kept_score = serializers.FloatField(help_text="as reported first; stays")


class AlarmsReceivedSerializer(serializers.Serializer[dict[str, object]]):
    added = serializers.IntegerField()
    same = serializers.IntegerField(help_text="alarms that this reporter had reported before, just so")
    differing = DifferingAlarmSerializer(
        many=True, help_text="alarms that this reporter had reported before, with another score"
    )
