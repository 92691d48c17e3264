"""Shapes of the features API. Rules live below; these only say what a request and a reply look like."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.common.times import iso_us
from apps.features.models import Release


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """A release; moments have six digits, so that a join at `known_at` finds it."""

    known_at = serializers.SerializerMethodField()
    served_at = serializers.SerializerMethodField()
    parent = serializers.PrimaryKeyRelatedField[Release](  # type: ignore[assignment]  # DRF sets its own on instances
        read_only=True, allow_null=True
    )
    manifest = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = Release
        fields = (
            *("number", "known_at", "served_at", "digest", "parent"),
            *("kind", "author", "reason", "manifest"),
        )

    def get_known_at(self, release: Release) -> str:
        """When it was made."""
        return iso_us(release.known_at)

    def get_served_at(self, release: Release) -> str | None:
        """When its online rows had been read back; null until then."""
        return iso_us(release.served_at) if release.served_at else None


class TextField(serializers.CharField):
    """Text as it is: a number is no series, in whatever digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class OnlineSerializer(serializers.Serializer[Any]):
    """What to read online. Neither service nor features: the active release."""

    feature_service = serializers.CharField(required=False, max_length=100)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=500
    )
    entities = serializers.DictField(
        child=serializers.ListField(child=TextField(max_length=200, trim_whitespace=False))
    )
    min_confidence = serializers.FloatField(required=False, min_value=0, max_value=1)
    full_feature_names = serializers.BooleanField(required=False, default=False)


class HistoricalSerializer(serializers.Serializer[Any]):
    """Query parameters of the historical door."""

    feature_service = serializers.CharField(required=False, max_length=100)
    features = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, max_length=500
    )
    as_of_release = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    min_confidence = serializers.FloatField(required=False, min_value=0, max_value=1)
    full_feature_names = serializers.BooleanField(required=False, default=False)


class FactLineageSerializer(serializers.Serializer[Any]):
    """Query parameters of the lineage of facts."""

    service = serializers.CharField(max_length=200)


class LineageSerializer(serializers.Serializer[Any]):
    """Query parameters of lineage."""

    series = serializers.CharField(max_length=200)
    release = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
