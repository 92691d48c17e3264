"""What the room may know of postmortems, which stand above it: whether there is one, by a named model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings

if TYPE_CHECKING:
    from apps.accounts.models import User


def exists(user: User, pk: int) -> bool:
    """Whether there is such a postmortem for this user."""
    return bool(_model()._default_manager.visible_to(user).filter(pk=pk).exists())  # noqa: SLF001


def title(pk: int) -> str:
    """What the postmortem is called; empty when there is no such one."""
    found = _model()._default_manager.filter(pk=pk)  # noqa: SLF001
    return str(found.values_list("title", flat=True).first() or "")


def _model() -> Any:
    return apps.get_model(settings.POSTMORTEM_MODEL)
