"""One world for all tests of a module: the demo, its releases served and its actions measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from .world import World, build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Built once in a transaction that is undone at the end; each test works in a savepoint of it."""
    with django_db_blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
        try:
            yield build()
        finally:
            transaction.set_rollback(True)
            around.__exit__(None, None, None)
