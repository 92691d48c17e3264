"""Request bodies: what is not known is refused, so that a misspelt field is not silently ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


MAX_NAME = 80  # characters of a name that an error repeats
MAX_NAMES = 20


class StrictSerializer(serializers.Serializer[Any]):
    """Base of every request body."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            refuse_unknown(data, self.fields)
        return super().to_internal_value(data)


def refuse_unknown(given: Mapping[str, object], known: Iterable[str], *path: str) -> None:
    """Refuse the names of `given` that are not `known`; `path` leads to it in the request.

    Raises:
        ValidationError: of each such field, with the code `unknown_field`.
    """
    unknown = sorted(set(given) - set(known))
    if not unknown:
        return
    errors: dict[str, Any] = {name[:MAX_NAME]: ["There is no such field."] for name in unknown[:MAX_NAMES]}
    for name in reversed(path):
        errors = {name: errors}
    raise serializers.ValidationError(errors, code="unknown_field")
