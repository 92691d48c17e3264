"""Feast over the session's database: opened once, swept between tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apps.features import store as stores
from apps.features.usage import uses
from tests.features.support import sql
from tests.people import make_person
from tests.reading import signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from apps.features.feast_store import Store

_SWEEP = (
    "TRUNCATE feast_online.feast_kv",
    # What stands in every installation stays.
    "DELETE FROM feast_registry.feature_views WHERE feature_view_name ~ '__'",
    "DELETE FROM feast_registry.feature_services WHERE feature_service_name ~ '__'",
    "DELETE FROM feast_registry.data_sources WHERE data_source_name ~ '__'",
    "DELETE FROM feast_registry.feature_view_version_history WHERE feature_view_name ~ '__'",
    (
        "DELETE FROM feast_registry.entities"
        " WHERE entity_name NOT IN ('series', 'service', 'failure_mode', 'service_tier', '__dummy')"
    ),
)


@pytest.fixture
def feast(transactional_db: None) -> Iterator[Store]:
    """The process's store. Feast reads through connections of its own, so these tests commit."""
    store = stores.open_store()
    store.renew()
    yield store
    for statement in _SWEEP:
        sql(statement)
    uses.forget()
    assert stores.open_store() is store


@pytest.fixture
def viewer() -> Client:
    return signed_in(make_person("vera", "viewer"))


@pytest.fixture
def operator() -> Client:
    return signed_in(make_person("omar", "operator"))
