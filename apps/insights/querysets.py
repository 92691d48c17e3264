"""Reads of insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, Value
from django.db.models.functions import JSONObject

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

    from apps.accounts.models import User

    from .models import Insight, Misstep, Revision  # noqa: F401  # in quotes below, where type checkers look for it


class _NamesSeries(models.Func):
    """Does a scope name a series whose id starts with `prefix`?"""

    function = "jsonb_path_exists"
    arg_joiner = ", '$.series[*] ? (@ starts with $prefix)'::jsonpath, "
    output_field = models.BooleanField()


def _newest_revisions() -> models.QuerySet[Revision]:
    return (
        apps.get_model("insights", "Revision")
        .objects.filter(number=F("insight__revision"))
        .select_related("author")
        .prefetch_related("signals", "gate_results", "approvals", "decisions", "overrides")
    )


class InsightQuerySet(models.QuerySet["Insight"]):
    """Insights as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Every signed-in account reads every insight until sharing scopes arrive; others read none."""
        return self if user.is_authenticated else self.none()

    def with_story(self) -> Self:
        """Everything the API shows of an insight, in a fixed number of queries."""
        return self.select_related("author").prefetch_related(
            "revisions__author",
            "revisions__signals",
            "revisions__gate_results",
            "revisions__scores__rater",
            "revisions__overrides__author",
            "revisions__approvals__approver",
            "revisions__decisions__person",
            "revisions__activation",
            "findings",
        )

    def with_newest(self) -> Self:
        """Each with its newest revision as the one item of `newest_rows`, with what a list shows of it."""
        revisions = models.Prefetch("revisions", queryset=_newest_revisions(), to_attr="newest_rows")
        return self.select_related("author").prefetch_related(revisions)

    def matching(
        self, *, state: str = "", service: str = "", kind: str = "", author: str = "", text: str = ""
    ) -> Self:
        """Those whose newest revision has all of it; what is empty does not filter."""
        wanted = Q(revisions__number=F("revision"))
        if state:
            wanted &= Q(state=state)
        if author:
            wanted &= Q(author__username=author)
        if kind:
            wanted &= Q(revisions__signals__kind=kind)
        if text:
            wanted &= Q(revisions__title__icontains=text) | Q(revisions__recommendation__icontains=text)
        found = self.filter(wanted)
        if service:
            named = _NamesSeries(F("revisions__scope"), JSONObject(prefix=Value(f"{service}/")))
            found = found.annotate(names_service=named).filter(
                Q(names_service=True) | Q(revisions__scope__service=service), revisions__number=F("revision")
            )
        return found

    def due_to_expire(self, moment: datetime) -> Self:
        """Served insights whose active revision's expiry has come by `moment` (UTC)."""
        return self.filter(
            active_revision__isnull=False,
            revisions__number=F("active_revision"),
            revisions__expires_at__lte=moment,
        )

    def concerned_by(self, wanted: Collection[int]) -> Self:
        """The insights that a revert to the manifest `wanted` may touch: those in it, those active now."""
        return self.filter(Q(pk__in=list(wanted)) | Q(active_revision__isnull=False))


def _taken_back() -> ExpressionWrapper[Any]:
    reopened = apps.get_model("insights", "Decision").objects.filter(
        revision=OuterRef("signal__revision"), kind="reopened", at__gt=OuterRef("at")
    )
    return ExpressionWrapper(Q(why="rejected") & Q(Exists(reopened)), output_field=models.BooleanField())


class MisstepQuerySet(models.QuerySet["Misstep"]):
    """Missteps as a user may see them."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """As their insights."""
        return self if user.is_authenticated else self.none()

    def standing(self) -> Self:
        """Without the rejections that a reviewer took back."""
        return self.exclude(_taken_back())

    def told(self) -> QuerySet[Any]:
        """With what a page tells of each; `taken_back` says that a reviewer reopened what was rejected."""
        return self.select_related("signal__revision__author").annotate(taken_back=_taken_back())

    def matching(self, *, service: str = "", kind: str = "", why: str = "") -> Self:
        """Those with all of it; what is empty does not filter."""
        found = self.filter(services__contains=[service]) if service else self
        if kind:
            found = found.filter(kind=kind)
        return found.filter(why=why) if why else found
