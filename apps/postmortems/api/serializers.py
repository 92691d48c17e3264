"""Postmortems as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.catalog.models import MAX_SLUG
from apps.common.times import iso_us
from apps.postmortems.models import MAX_NARRATIVE, MAX_TITLE, Postmortem

if TYPE_CHECKING:
    from datetime import datetime


class PostmortemInput(StrictSerializer):
    title = serializers.CharField(max_length=MAX_TITLE)
    service = serializers.CharField(max_length=MAX_SLUG, trim_whitespace=False)
    # Kept word for word: its hash must be that of the text that was sent.
    narrative = serializers.CharField(max_length=MAX_NARRATIVE, trim_whitespace=False)


class PostmortemSummarySerializer(serializers.ModelSerializer[Postmortem]):
    service = serializers.CharField(source="service.slug", read_only=True)
    author = serializers.CharField(source="author.username", read_only=True)
    created_at = serializers.SerializerMethodField()

    class Meta:
        model = Postmortem
        fields = ["id", "title", "service", "author", "created_at", "sha256"]

    def get_created_at(self, row: Postmortem) -> str:
        moment: datetime = row.created_at
        return iso_us(moment)


class PostmortemSerializer(PostmortemSummarySerializer):
    lines = serializers.IntegerField(source="line_count", read_only=True, help_text="how many lines it has")

    class Meta(PostmortemSummarySerializer.Meta):
        fields = [*PostmortemSummarySerializer.Meta.fields, "lines", "narrative"]


class PostmortemPageSerializer(serializers.Serializer[dict[str, object]]):
    items = PostmortemSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)
