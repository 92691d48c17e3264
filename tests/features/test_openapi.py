"""What the OpenAPI document says of this room."""

from __future__ import annotations

import pytest
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/features/online", "post"),
        ("/api/v1/features/historical", "post"),
        ("/api/v1/features/lineage", "get"),
    ],
)
def test_reads_tell_what_they_answer_when_something_is_not_there(path, method):
    replies = SchemaGenerator().get_schema(request=None, public=True)["paths"][path][method]["responses"]
    content = replies["404"]["content"]["application/problem+json"]
    example = next(iter(content["examples"].values()))["value"]
    assert (example["status"], example["title"]) == (404, "Not Found")
    assert set(content["schema"]["required"]) <= example.keys()
