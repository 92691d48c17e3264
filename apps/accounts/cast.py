"""The people of a demo, as whom a visitor may sign in with one click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.module_loading import import_string

from apps.common.errors import NotFoundError

from .models import User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class CastMember:
    """Somebody of the demo: `role` as people say it ("responder"), `line` what they do there."""

    username: str
    name: str
    role: str
    line: str


def people() -> Sequence[CastMember]:
    """The cast that the function named in DEMO_CAST gives; nobody where no demo is loaded."""
    if not settings.DEMO_CAST:
        return ()
    found: Callable[[], Sequence[CastMember]] = import_string(settings.DEMO_CAST)
    return found()


def member(username: str) -> User:
    """The account of one of the cast.

    Raises:
        NotFoundError: this is no demo, or nobody of its cast.
    """
    if username not in {found.username for found in people()}:
        raise NotFoundError("This is nobody of the demo.")
    person = User.objects.filter(username=username, is_active=True, is_service=False).first()
    if person is None:
        raise NotFoundError("This is nobody of the demo.")
    return person
