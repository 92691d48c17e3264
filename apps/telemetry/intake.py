"""Lists of JSON objects from outside, checked item by item; the error names the item and the field."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apps.accounts.inputs import StrictSerializer, refuse_unknown
from apps.common.errors import InvalidInputError

from .sources.names import SeriesNameError, split_series_id
from .sources.timestamps import TIMESTAMP_REMEDY, TimestampError, TimestampReader

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a list. Every method raises InvalidInputError with the field `items.<number>.<name>`."""

    number: int
    content: Mapping[str, object]

    def refuse(self, name: str, problem: str, remedy: str | None = None) -> InvalidInputError:
        """The error to raise about the field `name`."""
        return InvalidInputError(
            f"items[{self.number}].{name}: {problem}", field=f"items.{self.number}.{name}", remedy=remedy
        )

    def text(self, name: str, default: str | None = None) -> str:
        value = self.content.get(name, default)
        if not isinstance(value, str):
            raise self.refuse(name, "text is needed" if name in self.content else "is missing")
        return value

    def series(self, name: str = "series") -> str:
        text = self.text(name)
        try:
            split_series_id(text)
        except SeriesNameError as exc:
            raise self.refuse(name, exc.detail, exc.remedy) from exc
        return text

    def moment_us(self, name: str) -> int:
        """Microseconds since 1970 UTC; a time without a zone is UTC."""
        value = self.content.get(name)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self.refuse(
                name, "a time is needed" if name in self.content else "is missing", TIMESTAMP_REMEDY
            )
        try:
            return TimestampReader().microseconds(str(value))
        except TimestampError as exc:
            raise self.refuse(name, f"{exc}, found {str(value)[:80]!a}", TIMESTAMP_REMEDY) from exc

    def number_of(self, name: str) -> float:
        value = self.content.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse(name, "a number is needed" if name in self.content else "is missing")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise self.refuse(name, "a finite number is needed")
        return number

    def whole_or_none(self, name: str, highest: int) -> int | None:
        value = self.content.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= highest:
            raise self.refuse(name, f"a whole number from 0 to {highest}, or null, is needed")
        return value


def items_of(payload: object, *, most: int, form: type[StrictSerializer]) -> list[Item]:
    """The items of a request: a list of objects, `{"items": [...]}`, or one object by itself.

    `form` names the fields of an item; it does not check them, `Item` does, faster and by number.

    Raises:
        InvalidInputError: none of these, no item, or more than `most`.
        ValidationError: a field that `form` does not have.
    """
    if isinstance(payload, Mapping) and "items" in payload:
        refuse_unknown(payload, ("items",))
        payload = payload["items"]
    elif isinstance(payload, Mapping):
        payload = [payload]
    if isinstance(payload, str) or not isinstance(payload, Sequence) or not payload:
        raise InvalidInputError("A list of at least one object is needed.", field="items")
    if len(payload) > most:
        raise InvalidInputError(
            f"{len(payload)} items are more than {most}.",
            field="items",
            remedy="Send them in several requests.",
        )
    known = frozenset(form().fields)
    for number, content in enumerate(payload):
        if not isinstance(content, Mapping):
            raise InvalidInputError(f"items[{number}]: an object is needed", field=f"items.{number}")
        refuse_unknown(content, known, "items", str(number))
    return [Item(number, content) for number, content in enumerate(payload)]


def from_us(moment_us: int) -> datetime:
    """The instant, in UTC."""
    return EPOCH + timedelta(microseconds=moment_us)


def moment_of(text: str | None, *, field: str) -> datetime | None:
    """A time from a query string, or None if it is not there.

    Raises:
        InvalidInputError: not a time.
    """
    if not text:
        return None
    try:
        return from_us(TimestampReader().microseconds(text))
    except TimestampError as exc:
        # "+" means a space in a query string: 12:00:00+01:00 arrives without its plus unless it is escaped.
        raise InvalidInputError(
            f"{field}: {exc}, found {text[:80]!a}", field=field, remedy=f"{TIMESTAMP_REMEDY} Escape + as %2B."
        ) from exc
