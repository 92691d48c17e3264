"""Verdicts as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from apps.common.times import iso_us
from apps.impact.models import Verdict

if TYPE_CHECKING:
    from datetime import datetime


class VerdictSerializer(serializers.ModelSerializer[Verdict]):
    action = serializers.IntegerField(source="action_id", read_only=True)
    insight = serializers.IntegerField(source="insight_id", read_only=True, allow_null=True)
    evaluated_at = serializers.SerializerMethodField()
    report = serializers.JSONField(read_only=True, help_text="figures of each series")

    class Meta:
        model = Verdict
        fields = [
            *("id", "action", "insight", "revision", "release", "turn", "look", "metric", "method", "n"),
            *("excluded", "effect", "low", "high", "p", "power", "minimum_detectable_effect", "verdict"),
            *("reason", "evidence", "split_hash", "data_hash", "code", "seconds", "report", "evaluated_at"),
        ]

    def get_evaluated_at(self, row: Verdict) -> str:
        moment: datetime = row.evaluated_at
        return iso_us(moment)


class VerdictPageSerializer(serializers.Serializer[dict[str, object]]):
    items = VerdictSerializer(many=True)
    next = serializers.CharField(allow_null=True)
