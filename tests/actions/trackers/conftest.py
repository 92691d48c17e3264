from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from apps.accounts.models import Role
from apps.actions import services
from tests.actions.making import somebody

from .server import ACCOUNT, TOKEN, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from apps.accounts.models import User
    from apps.actions.models import Tracker


@pytest.fixture
def running(settings: Any) -> Iterator[Running]:
    """The tracker, allowed though it is on this machine."""
    settings.TRACKER_HOSTS = ["127.0.0.1"]
    server = Running()
    yield server
    server.stop()


@pytest.fixture
def admin() -> User:
    return somebody(Role.ADMIN)


Made = tuple["Tracker", str]


@pytest.fixture
def add(running: Running, admin: User) -> Callable[..., Made]:
    def _add(kind: str = "github", **changes: Any) -> Made:
        values = {
            "name": f"Shop on {kind}",
            "kind": kind,
            "base_url": running.url,
            "project": "octo/shop" if kind == "github" else "OPS",
            "account": "" if kind == "github" else ACCOUNT,
            "token": TOKEN,
        }
        return services.add_tracker(**{**values, **changes}, actor=admin)

    return _add
