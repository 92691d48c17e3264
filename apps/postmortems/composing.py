"""The canonical plain text of a review, and which of its lines say what. Pure.

Insights cite lines of this text, so equal reviews give equal bytes: a summary, then sections with fixed
headings; each statement begins with its number and continues on indented lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .review import Entry, Review

FORMATS = {"second": "%H:%M:%S UTC", "minute": "%H:%M UTC", "hour": "about %H UTC", "day": ""}
LINE_ENDS = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\x0b": "\n", "\x0c": "\n", "\x85": "\n"})

Lines = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Composed:
    """The text, and the first and last line (from 1, both included) of each statement in order."""

    text: str
    observations: tuple[Lines, ...]
    recommendations: tuple[Lines, ...]


def compose(review: Review) -> Composed:
    """The narrative of a review."""
    lines = ["Summary", "", *tidy(review.summary)]
    if review.timeline:
        lines += ["", "Timeline", ""]
        for entry in review.timeline:
            lines += _hanging(_entry(entry))
    lines += ["", "What we saw", ""]
    seen = [
        _append(
            lines, f"O{number}. {item.text}", f"Evidence: {item.evidence}" if item.evidence.strip() else ""
        )
        for number, item in enumerate(review.observations, 1)
    ]
    advised: list[Lines] = []
    if review.recommendations:
        lines += ["", "What we recommend", ""]
        for rank, advice in enumerate(review.recommendations, 1):
            cited = ", ".join(f"O{number}" for number in advice.cites)
            advised.append(_append(lines, f"R{rank}. {advice.text}", f"Because of {cited}."))
    return Composed("\n".join(lines) + "\n", tuple(seen), tuple(advised))


def tidy(text: str) -> list[str]:
    """The lines of typed text, without spaces at their ends and without empty ones around."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").translate(LINE_ENDS)
    return [line.rstrip() for line in plain.strip().split("\n")]


def when(moment: datetime, precision: str) -> str:
    """A moment as exact as it is known: `2026-11-20 14:02 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{utc.date().isoformat()} {utc.strftime(FORMATS[precision])}".strip()


def _append(lines: list[str], *parts: str) -> Lines:
    first = len(lines) + 1
    lines += _hanging("\n".join(part for part in parts if part))
    return first, len(lines)


def _hanging(text: str) -> Iterable[str]:
    head, *rest = tidy(text)
    return [head, *(f"    {line}".rstrip() for line in rest)]


def _entry(entry: Entry) -> str:
    about = ", ".join(part for part in (entry.kind, entry.actor_role.strip(), entry.source.strip()) if part)
    return f"{when(entry.at, entry.precision)}  [{about}] {entry.text}"
