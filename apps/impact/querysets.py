"""Reads of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from apps.accounts.models import User

    from .models import Verdict  # noqa: F401  # in quotes below, where type checkers look for it


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Verdicts as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """As the actions and insights that they judge: every signed-in account, others none."""
        return self if user.is_authenticated else self.none()

    def with_names(self) -> Self:
        """Action, its people and the insight loaded, for lists."""
        return self.select_related("action__owner", "insight__author")

    def newest(self) -> Self:
        """The newest verdict of each action."""
        return self.order_by("action_id", "-pk").distinct("action_id")

    def replayed(self) -> Self:
        """By replay of an insight."""
        return self.filter(evidence="replay")

    def in_field(self) -> Self:
        """By what happened before and after."""
        return self.filter(evidence="field")

    def of_author(self, author: User) -> Self:
        """Of insights that `author` proposed."""
        return self.filter(insight__author=author)
