"""What every page may ask of this room: whether the reader may write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import AUTHORS, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest


def rights(request: HttpRequest) -> dict[str, Callable[[], bool]]:
    """`may_write`, asked only where a template does: it hides what would lead to a refusal."""
    user = getattr(request, "user", None)
    return {"may_write": lambda: isinstance(user, User) and user.has_role(*AUTHORS)}
