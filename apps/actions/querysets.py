"""Reads of action items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User

    from .models import ActionItem  # noqa: F401  # in quotes below, where type checkers look for it

OPEN_STATES = ("open", "in_progress")


class ActionQuerySet(models.QuerySet["ActionItem"]):
    """Action items as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every action until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def with_names(self) -> Self:
        """Owner, service and whoever did it loaded, for lists."""
        return self.select_related("owner", "service", "done_by", "created_by")

    def to_do(self) -> Self:
        """Open or in progress."""
        return self.filter(state__in=OPEN_STATES)

    def overdue(self, today: date) -> Self:
        """To do, and due before `today`."""
        return self.to_do().filter(due_on__lt=today)
