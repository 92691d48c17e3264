"""Reads of postmortems and drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from apps.accounts.models import AUTHORS, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from .models import Draft, Postmortem  # noqa: F401


_VERSIONS = """
    WITH RECURSIVE older AS (
        SELECT id, amends_id FROM postmortems_postmortem WHERE id = %s
        UNION ALL SELECT p.id, p.amends_id FROM postmortems_postmortem p JOIN older ON p.id = older.amends_id
    ), later AS (
        SELECT id FROM postmortems_postmortem WHERE id = %s
        UNION ALL SELECT p.id FROM postmortems_postmortem p JOIN later ON p.amends_id = later.id
    )
    SELECT id FROM older UNION SELECT id FROM later
"""


class PostmortemQuerySet(models.QuerySet["Postmortem"]):
    """Postmortems as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every postmortem until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def newest(self) -> Self:
        """Without the versions that a later one amends."""
        return self.filter(amended_by__isnull=True)

    def versions_of(self, pk: int) -> Self:
        """The version `pk` with all that it amends and all that amend it, newest first."""
        return self.filter(pk__in=RawSQL(_VERSIONS, [pk, pk])).order_by("-pk")  # noqa: S611  # text of our own

    def labelled(self, vocabulary: str, code: str) -> Self:
        """Those that bear a code."""
        bearing = self.model.labels.rel.related_model.objects.filter(  # type: ignore[attr-defined]
            postmortem=OuterRef("pk"), term__vocabulary=vocabulary, term__code=code
        )
        return self.filter(Exists(bearing))

    def of_origin(self, origin: str) -> Self:
        """`public`: of incidents that others published; `own`: all the rest, with an incident or without."""
        public = Q(incident__origin="public")
        return self.filter(public) if origin == "public" else self.exclude(public)

    def search(self, text: str) -> Self:
        """Those whose title or narrative holds every word."""
        found = self
        for word in text.split():
            found = found.filter(Q(title__icontains=word) | Q(narrative__icontains=word))
        return found

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
        if isinstance(user, User) and user.has_role(*AUTHORS):
            return self
        return self.none()

    def open(self) -> Self:
        """Neither filed nor discarded."""
        return self.filter(state="open")
