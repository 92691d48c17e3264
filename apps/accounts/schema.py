"""OpenAPI: what every operation has in common, said once."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from apps.common import problems

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=False,
    description="At most 255 characters. Same key and request: same answer. Another request: 422.",
)
COMMON = {
    401: ("not_authenticated", "Authentication credentials were not provided."),
    403: ("scope_missing", "The token lacks the scope insights:write."),
}
WITH_BODY = {
    400: ("malformed", "JSON parse error - Expecting value: line 1 column 1 (char 0)"),
    409: ("idempotency_in_progress", "A request with this Idempotency-Key is running."),
    422: ("invalid_input", "title: This field is required."),
}
ABSENT = {404: ("not_found", "No such thing, or not for you.")}
BAD_QUERY = {422: ("invalid_input", "limit is a whole number from 1 to 200.")}


class ApiSchema(AutoSchema):
    """Adds the Idempotency-Key of a POST and the problem details that any operation may answer."""

    def get_override_parameters(self) -> list[Any]:
        guarded = self.method == "POST" and getattr(self.view, "idempotent", True)
        return [*super().get_override_parameters(), *([IDEMPOTENCY_KEY] if guarded else [])]

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        extra = {**COMMON, **(WITH_BODY if self.method in {"POST", "PUT", "PATCH"} else BAD_QUERY)}
        if "{" in self.path:
            extra |= ABSENT
        for status, (code, detail) in extra.items():
            field = "title" if code == "invalid_input" else None
            bodies.setdefault(str(status), _problem_body(status, code, detail, field))
        return dict(sorted(bodies.items()))


def _problem_body(status: int, code: str, detail: str, field: str | None) -> dict[str, Any]:
    return {
        "description": "Problem details (RFC 9457)",
        "content": {
            problems.CONTENT_TYPE: {
                "schema": problems.SCHEMA,
                "examples": {code: {"value": problems.problem(status, code, detail, field=field)}},
            }
        },
    }


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass
    target_class = "apps.accounts.authentication.BearerTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token made by POST /api/v1/tokens."}
