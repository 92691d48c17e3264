from __future__ import annotations

import pytest

from .making import load_vocabularies


@pytest.fixture(autouse=True)
def _vocabularies(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        load_vocabularies()
