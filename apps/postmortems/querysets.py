"""Reads of postmortems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User

    from .models import Postmortem  # noqa: F401


class PostmortemQuerySet(models.QuerySet["Postmortem"]):
    """Postmortems as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every postmortem until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def with_names(self) -> Self:
        """Service and author loaded, for lists."""
        return self.select_related("service", "author")
