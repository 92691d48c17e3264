"""Reads of postmortems and drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

from apps.accounts.models import Role, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from .models import Draft, Postmortem  # noqa: F401

WRITERS = (Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN)


class PostmortemQuerySet(models.QuerySet["Postmortem"]):
    """Postmortems as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every postmortem until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def newest(self) -> Self:
        """Without the versions that a later one amends."""
        return self.filter(amended_by__isnull=True)

    def with_names(self) -> Self:
        """Service and author loaded, for lists."""
        return self.select_related("service", "author")

    def with_parts(self) -> Self:
        """Everything that a reading page shows, in a fixed number of queries."""
        return self.with_names().prefetch_related(
            "labels__term__vocabulary", "timeline", "observations", "recommendations__cites"
        )


class DraftQuerySet(models.QuerySet["Draft"]):
    """Drafts as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Whoever may write reviews may read and continue every draft: a review is written together."""
        if isinstance(user, User) and user.has_role(*WRITERS):
            return self
        return self.none()

    def open(self) -> Self:
        """Neither filed nor discarded."""
        return self.filter(state="open")
