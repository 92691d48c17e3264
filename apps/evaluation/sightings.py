"""One incident, however many series saw it. Pure: no database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.analysis.types import Interval

DECLARED = "incident:"
"""How the label of a declared incident names its source, such as "incident:7"."""


class Sighting(Protocol):
    """An incident on one series; `sources`: who labelled it."""

    @property
    def series_id(self) -> str: ...

    @property
    def interval(self) -> Interval: ...

    @property
    def sources(self) -> frozenset[str]: ...


S = TypeVar("S", bound=Sighting)


def service_of(series_id: str) -> str:
    """A series is named "service/metric"."""
    return series_id.partition("/")[0]


def together(seen: Iterable[S]) -> list[list[S]]:
    """The sightings of each incident, in order of series and time.

    One incident is what labels of one declared incident ("incident:<number>") say; a label of another source
    belongs to what overlaps it in time within its service.
    """
    groups: list[list[S]] = []
    for one in sorted(seen, key=lambda one: (not _declared(one), one.interval, one.series_id)):
        same = [group for group in groups if any(_same(one, other) for other in group)]
        if _declared(one):  # it may be the link between several
            groups = [group for group in groups if group not in same]
            groups.append([each for group in same for each in group] + [one])
        elif same:
            same[0].append(one)
        else:
            groups.append([one])
    return [sorted(group, key=lambda one: (one.series_id, one.interval)) for group in groups]


def _declared(one: Sighting) -> frozenset[str]:
    return frozenset(source for source in one.sources if source.startswith(DECLARED))


def _same(one: Sighting, other: Sighting) -> bool:
    if _declared(one) and _declared(other):
        return bool(_declared(one) & _declared(other))
    overlap = (
        one.interval.start_us <= other.interval.end_us and other.interval.start_us <= one.interval.end_us
    )
    return overlap and service_of(one.series_id) == service_of(other.series_id)
