"""What the frame of every page needs: the places of the main navigation."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.http import HttpRequest

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    """One entry of the main navigation.

    `rooms` are the URL namespaces and view names that mark it as the present one; a view name wins over its
    namespace. `key` goes there after `g`.
    """

    label: str
    url_name: str
    icon: str
    key: str
    rooms: tuple[str, ...]


@dataclass(frozen=True)
class PlaceShown:
    """A place as one page shows it."""

    label: str
    url: str
    icon: str
    key: str
    current: bool


PLACES = (
    Place("Home", "dashboards:home", "house", "h", ("dashboards:home",)),
    Place("Incidents", "incidents:list", "activity", "i", ("incidents",)),
    Place("Postmortems", "postmortems:list", "journal-text", "p", ("postmortems",)),
    Place("Insights", "insights:list", "lightbulb", "s", ("insights", "dashboards:lesson")),
    Place("Review", "insights:queue", "inbox", "r", ("insights:queue",)),
    Place("Actions", "actions:list", "check2-square", "a", ("actions", "impact")),
    Place(
        "Impact",
        "impact:report",
        "graph-up",
        "m",
        ("impact:report", "impact:power", "impact:learning", "dashboards:contributions"),
    ),
    Place("Releases", "features:releases", "layers", "e", ("features",)),
    Place(
        "Services",
        "dashboards:services",
        "hdd-stack",
        "v",
        ("dashboards:services", "dashboards:service", "dashboards:series-list", "dashboards:series"),
    ),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The navigation, and whatever upper rooms add to the frame of each page (settings.FRAME_EXTRAS)."""
    extras: dict[str, Any] = {}
    for name in settings.FRAME_EXTRAS:
        extras |= import_string(name)(request)
    return {"places": shown_places(request), "version": version(), **extras}


def shown_places(request: HttpRequest) -> list[PlaceShown]:
    """The places that have an address by now, with the present one marked."""
    here = present_place(request)
    shown = []
    for place in PLACES:
        try:
            url = reverse(place.url_name)
        except NoReverseMatch:
            continue
        shown.append(PlaceShown(place.label, url, place.icon, place.key, place is here))
    return shown


def present_place(request: HttpRequest) -> Place | None:
    """The place that a request's page belongs to; None for pages of no place, such as errors."""
    match = request.resolver_match
    if match is None:
        return None
    for name in (match.view_name, match.namespace):
        for place in PLACES:
            if name and name in place.rooms:
                return place
    return None


@lru_cache(maxsize=1)
def version() -> str:
    """As pyproject.toml has it; it does not change while a process runs."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return str(project["version"])
