"""Plain values out of what people typed, with a problem for each that is none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from apps.common.errors import DomainError

from .review import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Path = tuple[str | int, ...]
DAY_CHARS = len("2026-11-20")


class Reading:
    """Collects problems while values are read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def refuse(self, path: Path, text: str, code: str = "invalid_input") -> None:
        self.problems.append(Problem(path, text, code))

    def text(self, path: Path, given: Any, longest: int, missing: str = "") -> str:
        """Text as typed; `missing` is what to say of an empty one, which is allowed without it."""
        value = "" if given is None else given
        if not isinstance(value, str):
            self.refuse(path, "This is a text.", "invalid")
            return ""
        if missing and not value.strip():
            self.refuse(path, missing, "required")
        elif fault := text_fault(value, longest):
            self.refuse(path, fault)
        return value

    def code(self, path: Path, given: Any, known: list[str], *, optional: bool = False) -> str:
        """One of the `known` codes."""
        if optional and not given:
            return ""
        if isinstance(given, str) and given in known:
            return given
        text = f"There is no choice {given!r}." if given else "Choose one."
        self.refuse(path, text, "unknown_code" if given else "required")
        return ""

    def rows(self, path: Path, given: Any, most: int) -> list[dict[str, Any]]:
        """A list of objects; faulty ones are reported and left out."""
        if given is None:
            return []
        if not isinstance(given, list) or any(not isinstance(row, dict) for row in given):
            self.refuse(path, "This is a list of objects.", "invalid")
            return []
        if len(given) > most:
            self.refuse(path, f"There are {len(given):,}; at most {most:,} are kept.", "too_many")
            return []
        return given

    def called(self, path: Path, read: Callable[[], T]) -> T | None:
        """What another room's check returns; its refusal is a problem here."""
        try:
            return read()
        except DomainError as error:
            self.refuse(path, f"{error.detail} {error.remedy or ''}".strip(), error.code)
            return None


def text_fault(text: str, longest: int) -> str:
    """Why a text cannot be kept, or nothing."""
    if len(text) > longest:
        return f"It has {len(text):,} characters; at most {longest:,} are kept."
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        return f"It has a NUL character in line {line}. Remove it."
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "It has half a surrogate pair. Remove it."
    return ""


def moment(given: Any) -> tuple[datetime, str] | None:
    """A time in UTC and how exact it is, from `2026-11-20 14:02`, with or without an offset; None if none.

    A time without an offset is UTC.
    """
    if isinstance(given, datetime):
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC), "second"
    if not isinstance(given, str):
        return None
    text = " ".join(given.replace("UTC", "Z").replace("T", " ").split()).replace(" Z", "Z")
    try:
        found = datetime.fromisoformat(text)
        utc = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return utc, _precision(text)


def day(given: Any) -> date | None:
    """A date as `2026-11-20`; None if it is none."""
    if isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given) if isinstance(given, str) and len(given) == DAY_CHARS else None
    except ValueError:
        return None


def _precision(text: str) -> str:
    clock = text[DAY_CHARS:].strip().split("+")[0].split("-")[0].rstrip("Z")
    return {0: "day", 2: "hour", 5: "minute"}.get(len(clock), "second")
