"""The OpenAPI document says what other people's tools need: every operation, each reply with an example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from drf_spectacular.generators import SchemaGenerator

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.unit

METHODS = {"get", "post", "put", "patch", "delete"}
CONTRACT = {
    "/healthz": {"get"},
    "/api/v1/postmortems": {"get", "post"},
    "/api/v1/insights": {"get", "post"},
    "/api/v1/insights/{id}/approve": {"post"},
    "/api/v1/insights/{id}/withdraw": {"post"},
    "/api/v1/insights/{id}/revise": {"post"},
    "/api/v1/releases": {"get"},
    "/api/v1/releases/{number}": {"get"},
    "/api/v1/releases/{number}/pin": {"post"},
    "/api/v1/releases/{number}/unpin": {"post"},
    "/api/v1/releases/{number}/revert": {"post"},
    "/api/v1/features/online": {"post"},
    "/feast/get-online-features": {"post"},
    "/api/v1/features/client.zip": {"get"},
    "/api/v1/features/historical": {"post"},
    "/api/v1/features/lineage": {"get"},
}


@pytest.fixture(scope="module")
def paths() -> dict[str, dict[str, Any]]:
    document = SchemaGenerator().get_schema(request=None, public=True)
    found: dict[str, dict[str, Any]] = document["paths"]
    return found


def replies(paths: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in paths.items():
        for method in METHODS & set(operations):
            for status, reply in operations[method]["responses"].items():
                for kind, content in reply.get("content", {}).items():
                    if "json" in kind:
                        yield f"{method} {path} {status}", content


def test_the_contract_is_there(paths):
    assert {path: METHODS & set(paths.get(path, {})) for path in CONTRACT} == CONTRACT


def test_every_reply_has_an_example(paths):
    bare = [name for name, content in replies(paths) if not ("example" in content or content.get("examples"))]
    assert bare == []


def test_every_post_that_changes_something_takes_a_key(paths):
    reads = {"/api/v1/features/online", "/api/v1/features/historical", "/feast/get-online-features"}
    without = [
        path
        for path, operations in paths.items()
        if "post" in operations
        and path not in reads
        and "Idempotency-Key" not in {found["name"] for found in operations["post"].get("parameters", [])}
    ]
    assert without == []
