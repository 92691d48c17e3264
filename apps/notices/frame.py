"""What the frame of every page shows of this room: how many notices wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.accounts.models import User

from .models import Notice

if TYPE_CHECKING:
    from django.http import HttpRequest

MOST = 100  # "99+": nobody counts further, and neither does the database


def unread(request: HttpRequest) -> dict[str, int]:
    """`unread_notices`, for people who are signed in and look at a whole page; one query."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or getattr(request, "htmx", False):
        return {}
    return {"unread_notices": Notice.objects.filter(person=user, is_read=False)[:MOST].count()}
