"""What the room may know of insights, which stand above it: their numbers and titles, by a named module."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings

if TYPE_CHECKING:
    from apps.accounts.models import User


class Directory(Protocol):
    """The functions that the module of `settings.INSIGHT_DIRECTORY` has."""

    def choices(self, user: User) -> list[tuple[int, str]]: ...

    def exists(self, user: User, pk: int, /) -> bool: ...

    def title(self, pk: int, /) -> str: ...


def choices(user: User) -> list[tuple[int, str]]:
    """(number, title) of every insight that the user may see; none where no directory is configured."""
    found = _directory()
    return found.choices(user) if found else []


def exists(user: User, pk: int) -> bool:
    """Whether there is such an insight for this user."""
    found = _directory()
    return bool(found and found.exists(user, pk))


def title(pk: int) -> str:
    """What the insight is called."""
    found = _directory()
    return (found.title(pk) if found else "") or f"Insight {pk}"


def _directory() -> Directory | None:
    name = getattr(settings, "INSIGHT_DIRECTORY", "")
    return cast("Directory", import_module(name)) if name else None
