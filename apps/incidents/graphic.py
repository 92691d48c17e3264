"""The times of an incident as a picture: one row a time, so that no two labels can meet at any width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .codes import TimeKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .metrics import TimeValue

ROW = 26
TOP = 8
LEFT, RIGHT = 3.0, 97.0  # percent of the width between which times lie
TONES = {
    TimeKind.IMPACT_START: "bad",
    TimeKind.DETECTED: "warn",
    TimeKind.ACKNOWLEDGED: "info",
    TimeKind.ESCALATED: "info",
    TimeKind.MITIGATED: "good",
    TimeKind.RESOLVED: "good",
}


@dataclass(frozen=True, slots=True)
class Dot:
    """One time: `x` in percent of the width, `y` and `text_y` in pixels; its label is right of it or left."""

    label: str
    at: datetime
    after_s: float
    x: str
    y: int
    text_y: int
    anchor: str
    dx: int
    tone: str


@dataclass(frozen=True, slots=True)
class Graphic:
    """`impact_x` and `impact_width` in percent span start to end of the impact; empty where unknown."""

    dots: tuple[Dot, ...]
    height: int
    impact_x: str
    impact_width: str
    title: str


def draw(times: Mapping[str, TimeValue]) -> Graphic | None:
    """The recorded times in their order; None for fewer than two, which are no picture."""
    found = sorted(
        ((at, kind) for kind in TimeKind if (at := _at(times, kind)) is not None),
        key=lambda pair: (pair[0], TimeKind.values.index(pair[1])),
    )
    if len(found) < 2:  # noqa: PLR2004
        return None
    first, last = found[0][0], found[-1][0]
    span = (last - first).total_seconds()

    def x(at: datetime) -> float:
        share = (at - first).total_seconds() / span if span else 0.0
        return LEFT + (RIGHT - LEFT) * share

    dots = []
    for row, (at, kind) in enumerate(found):
        left = x(at) <= (LEFT + RIGHT) / 2
        y = TOP + ROW // 2 + row * ROW
        dots.append(
            Dot(
                label=kind.label,
                at=at,
                after_s=(at - first).total_seconds(),
                x=f"{x(at):.2f}%",
                y=y,
                text_y=y + 4,
                anchor="start" if left else "end",
                dx=12 if left else -12,
                tone=TONES[kind],
            )
        )
    start = _at(times, TimeKind.IMPACT_START)
    end = _at(times, TimeKind.MITIGATED) or _at(times, TimeKind.RESOLVED)
    known = start is not None and end is not None
    return Graphic(
        dots=tuple(dots),
        height=2 * TOP + ROW * len(found),
        impact_x=f"{x(start):.2f}%" if start is not None and known else "",
        impact_width=f"{x(end) - x(start):.2f}%" if start is not None and end is not None else "",
        title=", ".join(f"{dot.label} {dot.at:%Y-%m-%d %H:%M} UTC" for dot in dots),
    )


def _at(times: Mapping[str, TimeValue], kind: TimeKind) -> datetime | None:
    value = times.get(kind)
    return None if value is None else value.at
