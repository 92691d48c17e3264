"""What the frame of every page needs: the places of the main navigation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True)
class Place:
    """One entry of the main navigation; `room` is the URL namespace that marks it as the present one."""

    label: str
    url_name: str
    icon: str
    rooms: tuple[str, ...]


PLACES = (
    Place("Home", "dashboards:home", "house", ("dashboards:home",)),
    Place("Incidents", "incidents:list", "activity", ("incidents",)),
    Place("Postmortems", "postmortems:list", "journal-text", ("postmortems",)),
    Place("Insights", "insights:list", "lightbulb", ("insights", "dashboards:lesson")),
    Place("Review", "insights:queue", "inbox", ("insights:queue",)),
    Place("Actions", "actions:list", "check2-square", ("actions",)),
    Place("Releases", "features:releases", "layers", ("features",)),
    Place("Services", "dashboards:services", "hdd-stack", ("dashboards:services", "dashboards:service")),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The navigation, and whatever upper rooms add to the frame of each page (settings.FRAME_EXTRAS)."""
    extras: dict[str, Any] = {}
    for name in settings.FRAME_EXTRAS:
        extras |= import_string(name)(request)
    return {"places": PLACES, **extras}
