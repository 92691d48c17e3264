"""Catalogue rows as JSON."""

from __future__ import annotations

from rest_framework import serializers

from apps.catalog.models import Service, Term, Vocabulary


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
