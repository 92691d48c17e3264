"""Notices as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from apps.common.times import iso_us
from apps.notices.models import Notice

if TYPE_CHECKING:
    from datetime import datetime


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    created_at = serializers.SerializerMethodField()
    read_at = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ["id", "kind", "title", "text", "url", "created_at", "read_at"]
        read_only_fields = fields

    def get_created_at(self, row: Notice) -> str:
        moment: datetime = row.created_at
        return iso_us(moment)

    def get_read_at(self, row: Notice) -> str | None:
        return None if row.read_at is None else iso_us(row.read_at)


class NoticePageSerializer(serializers.Serializer[dict[str, object]]):
    items = NoticeSerializer(many=True)
    next = serializers.CharField(allow_null=True)
