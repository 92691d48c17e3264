"""Windows that people ask to have judged: a lesson is judged by what came after it was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.common.errors import InvalidInputError
from apps.common.times import iso_us
from apps.telemetry.reading import from_us, to_us

from .errors import HoldoutOverlapError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class Window:
    """A closed span of time to be judged, in microseconds since 1970 UTC; an end that is None is open.

    Raises:
        InvalidInputError: it ends before it begins.
    """

    from_us: int | None = None
    to_us: int | None = None

    def __post_init__(self) -> None:
        if self.from_us is not None and self.to_us is not None and self.to_us <= self.from_us:
            raise InvalidInputError(
                "The window ends before it begins.", field="to", remedy="Give a moment after `from`."
            )

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> Window:
        """The same from moments with a time zone."""
        return cls(None if start is None else to_us(start), None if end is None else to_us(end))


def refuse_overlap(window: Window, discovered_until_us: Mapping[str, int]) -> None:
    """Refuse a window in which something was learnt.

    `discovered_until_us`: of each series (or lesson) the last moment that training or a gate has seen. A
    window with an open beginning is not refused: it begins for each series after what was seen of it.

    Raises:
        HoldoutOverlapError: it overlaps; names the field at fault and the first moment that is free.
    """
    if not discovered_until_us:
        return
    name, latest_us = max(discovered_until_us.items(), key=lambda item: (item[1], item[0]))
    if window.from_us is None or window.from_us > latest_us:
        return
    seen = iso_us(from_us(latest_us))
    raise HoldoutOverlapError(
        f"The window overlaps the one in which signals were learnt: {name} was read until {seen}.",
        field="from",
        remedy=f"Begin after {seen}, or leave `from` out: then each series is judged by what comes after its "
        "own training part.",
    )
