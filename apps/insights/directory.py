"""Insights as a list to choose from: the door for rooms below, which reach it by the name in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F

from .models import Insight, Revision

if TYPE_CHECKING:
    from apps.accounts.models import User

MAX_CHOICES = 500  # newest first: more than a person picks from


def choices(user: User) -> list[tuple[int, str]]:
    """Number and title of the newest insights that `user` may read, newest first."""
    newest = (
        Revision.objects.filter(insight__in=Insight.objects.visible_to(user), number=F("insight__revision"))
        .order_by("-insight_id")
        .values_list("insight_id", "title")
    )
    return [(number, title) for number, title in newest[:MAX_CHOICES]]


def title(insight_id: int) -> str:
    """The title of the insight's newest revision; empty when there is no such insight."""
    found = Revision.objects.filter(insight=insight_id, number=F("insight__revision"))
    return found.values_list("title", flat=True).first() or ""


def exists(user: User, insight_id: int) -> bool:
    """Is there such an insight for this reader?"""
    return Insight.objects.visible_to(user).filter(pk=insight_id).exists()
