"""Request bodies: what is not known is refused, so that a misspelt field is not silently ignored."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class StrictSerializer(serializers.Serializer[Any]):
    """Base of every request body."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            raise serializers.ValidationError(
                {name[:80]: ["There is no such field."] for name in unknown[:20]}, code="unknown_field"
            )
        return super().to_internal_value(data)
