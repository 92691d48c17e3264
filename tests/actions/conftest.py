from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from apps.accounts.models import Role

from .making import somebody

if TYPE_CHECKING:
    from apps.accounts.models import User


@pytest.fixture
def ann() -> User:
    """A responder."""
    return somebody(Role.RESPONDER)


@pytest.fixture
def browser(ann: User) -> Client:
    """Ann's browser."""
    client = Client()
    client.force_login(ann)
    return client
