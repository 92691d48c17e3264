"""Catalogue rows as JSON."""

from __future__ import annotations

from rest_framework import serializers

from apps.catalog.models import MAX_REASON, ProtectedWindow, Service, Term, Vocabulary


class ServiceSerializer(serializers.ModelSerializer[Service]):
    tier = serializers.CharField(source="tier.code", allow_null=True, default=None, read_only=True)
    owner = serializers.CharField(source="owner.slug", allow_null=True, default=None, read_only=True)

    class Meta:
        model = Service
        fields = ["slug", "name", "tier", "owner"]
        read_only_fields = fields


class ServicePageSerializer(serializers.Serializer[dict[str, object]]):
    items = ServiceSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TermSerializer(serializers.ModelSerializer[Term]):
    class Meta:
        model = Term
        fields = ["code", "label", "definition", "group", "aliases", "retired"]


class VocabularySerializer(serializers.ModelSerializer[Vocabulary]):
    terms = TermSerializer(many=True)

    class Meta:
        model = Vocabulary
        fields = ["slug", "version", "label", "description", "terms"]


class VocabularyListSerializer(serializers.Serializer[dict[str, object]]):
    items = VocabularySerializer(many=True)


class WindowSerializer(serializers.ModelSerializer[ProtectedWindow]):
    service = serializers.CharField(source="service.slug", allow_null=True, default=None, read_only=True)
    created_by = serializers.CharField(source="created_by.username", read_only=True)
    ended_by = serializers.CharField(
        source="ended_by.username", allow_null=True, default=None, read_only=True
    )

    class Meta:
        model = ProtectedWindow
        fields = [
            *("id", "service", "start_at", "end_at", "rrule", "duration_min", "reason"),
            *("created_by", "created_at", "ended_at", "ended_by"),
        ]
        read_only_fields = fields


class WindowPageSerializer(serializers.Serializer[dict[str, object]]):
    items = WindowSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class WindowInput(serializers.Serializer[dict[str, object]]):
    service = serializers.CharField(required=False, allow_null=True, help_text="Null: the whole fleet")
    start_at = serializers.DateTimeField(required=False, allow_null=True)
    end_at = serializers.DateTimeField(required=False, allow_null=True)
    rrule = serializers.CharField(required=False, allow_blank=True, default="", help_text="RFC 5545")
    duration_min = serializers.IntegerField(
        required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1, help_text="1 to 1440"
    )
    reason = serializers.CharField(max_length=MAX_REASON)
