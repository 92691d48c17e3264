"""The two addresses that are no API views, in the OpenAPI document: health, and the stock SDK's door."""

from __future__ import annotations

from typing import Any

from apps.common.health import EXAMPLE_FAILING, EXAMPLE_OK
from apps.features.api.examples import FEAST_ANSWER, FEAST_ERROR, FEAST_REQUEST


def add_plain_views(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A postprocessing hook of drf-spectacular."""
    result["paths"]["/healthz"] = {
        "get": {
            "operationId": "healthz",
            "description": "Is this installation well? Each part with `ok` and, where it is not, `problem`.",
            "tags": ["healthz"],
            "security": [{}],
            "responses": {
                "200": _json("Everything is well", {"type": "object"}, EXAMPLE_OK),
                "503": _json("Something is not", {"type": "object"}, EXAMPLE_FAILING),
            },
        }
    }
    text = {"type": "string", "description": "JSON in a JSON string: the stock client parses it twice"}
    result["paths"]["/feast/get-online-features"] = {
        "post": {
            "operationId": "feast_get_online_features",
            "description": "What the stock Feast SDK's remote online store speaks; see the client folder.",
            "tags": ["features"],
            "security": [{"bearer": []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}, "example": FEAST_REQUEST}},
            },
            "responses": {
                "200": _json(
                    "A column for each feature, a value for each entity", {"type": "object"}, FEAST_ANSWER
                ),
                **{
                    status: _json(what, text, FEAST_ERROR)
                    for status, what in {
                        "401": "No valid token",
                        "403": "The token lacks the scope features:read",
                        "404": "No such service, view or feature",
                        "422": "Not exactly the join key, or not 1 to 1000 rows",
                    }.items()
                },
            },
        }
    }
    return result


def _json(description: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
