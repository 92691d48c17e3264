"""The search box: titles of everything that a person may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from apps.actions.models import ActionItem
from apps.catalog.models import Service
from apps.incidents.models import Incident
from apps.postmortems.models import Postmortem
from apps.telemetry.models import Series

from .reads import newest_revisions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apps.accounts.models import User

SHOWN = 10  # of each kind
LONGEST = 200  # characters of a query that are looked for


@dataclass(frozen=True)
class Hit:
    """One thing found."""

    title: str
    url: str
    state: str = ""
    label: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Hits of one kind, newest first; `more` says that there are others."""

    name: str
    hits: list[Hit]
    more: bool


def clean(query: str) -> str:
    """What is looked for: without NUL, which no text holds, and not endless."""
    return query.replace("\x00", "").strip()[:LONGEST]


def find(query: str, user: User) -> list[Group]:
    """Groups with at least one hit; one query each, whatever the number of rows."""
    if not query:
        return []
    found = [_group(name, look(query, user)) for name, look in KINDS.items()]
    return [group for group in found if group.hits]


def _group(name: str, hits: Iterable[Hit]) -> Group:
    rows = list(hits)
    return Group(name, rows[:SHOWN], more=len(rows) > SHOWN)


def _incidents(query: str, user: User) -> Iterable[Hit]:
    rows = Incident.objects.visible_to(user).filter(title__icontains=query).select_related("service")
    for row in rows.order_by("-pk")[: SHOWN + 1]:
        yield Hit(
            row.title,
            reverse("incidents:detail", args=[row.pk]),
            row.state,
            row.get_state_display(),
            row.service.slug,
        )


def _postmortems(query: str, user: User) -> Iterable[Hit]:
    rows = (
        Postmortem.objects.visible_to(user).newest().filter(title__icontains=query).select_related("service")
    )
    for row in rows.order_by("-pk")[: SHOWN + 1]:
        yield Hit(row.title, reverse("postmortems:detail", args=[row.pk]), note=row.service.slug)


def _insights(query: str, user: User) -> Iterable[Hit]:
    rows = newest_revisions(user).filter(title__icontains=query).order_by("-insight_id")
    for row in rows[: SHOWN + 1]:
        yield Hit(
            row.title,
            reverse("insights:detail", args=[row.insight_id]),
            row.insight.state,
            row.insight.get_state_display(),
        )


def _actions(query: str, user: User) -> Iterable[Hit]:
    rows = ActionItem.objects.visible_to(user).filter(title__icontains=query).select_related("owner")
    for row in rows.order_by("-pk")[: SHOWN + 1]:
        yield Hit(
            row.title,
            reverse("actions:detail", args=[row.pk]),
            row.state,
            row.get_state_display(),
            row.owner.name,
        )


def _series(query: str, user: User) -> Iterable[Hit]:
    for name in (
        Series.objects.visible_to(user)
        .filter(pk__icontains=query)
        .order_by("pk")
        .values_list("pk", flat=True)[: SHOWN + 1]
    ):
        yield Hit(name, reverse("dashboards:series", args=[name]))


def _services(query: str, user: User) -> Iterable[Hit]:  # every reader sees every service
    for row in Service.objects.filter(slug__icontains=query).order_by("slug")[: SHOWN + 1]:
        yield Hit(row.name or row.slug, reverse("dashboards:service", args=[row.slug]), note=row.slug)


KINDS: dict[str, Callable[[str, User], Iterable[Hit]]] = {
    "Incidents": _incidents,
    "Postmortems": _postmortems,
    "Insights": _insights,
    "Actions": _actions,
    "Services": _services,
    "Series": _series,
}
