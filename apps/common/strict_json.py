"""JSON from outside, without what no part of us can keep: the error names the place.

Python's own reader takes more than JSON (NaN, infinities) and more than text (half a surrogate pair, which no
UTF-8 can hold); a NUL fits no text column; and what is nested without end ends whoever walks through it.
"""

from __future__ import annotations

import json
import math
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpRequest
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from .errors import DomainError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 100
MAX_NAME = 80  # characters of a name that an error repeats
ROOT = "items"  # what a body that is a list is called, as in {"items": […]}

# A place in a document, innermost name last: (place of the parent, name); None is the whole.
Place = tuple[Any, str] | None


class TooDeepError(DomainError):
    """Nested more deeply than any request needs."""

    code: ClassVar[str] = "malformed"
    status: ClassVar[int] = 400


class NulError(InvalidInputError):
    reason: ClassVar[str | None] = "null_characters_not_allowed"


class SurrogateError(InvalidInputError):
    reason: ClassVar[str | None] = "surrogate_characters_not_allowed"


class NotFiniteError(InvalidInputError):
    reason: ClassVar[str | None] = "not_finite"


class StrictJSONParser(JSONParser):
    """The body of every JSON request; UTF-8 whatever charset it names, as RFC 8259 has it."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        # `body` of a whole request has a limit of size, `read()` has none.
        return loads(stream.body if isinstance(stream, HttpRequest) else stream.read())


def loads(body: bytes) -> Any:
    """The value of a JSON document.

    Raises:
        ParseError: it is not JSON, or not UTF-8.
        TooDeepError: more than 100 lists and objects inside each other.
        NulError, SurrogateError, NotFiniteError: a text or a number that we cannot keep; names its place.
    """
    try:
        value = json.loads(body.decode("utf-8-sig"))
    except ValueError as exc:
        raise ParseError(f"JSON parse error - {exc}") from exc
    except RecursionError as exc:
        raise _too_deep(None) from exc
    for place, leaf in leaves(value):
        problem = flaw(leaf)
        if problem is not None:
            raise _at(place, problem)
    return value


def leaves(value: Any) -> Iterator[tuple[Place, Any]]:
    """Every name, text, number, bool and null of a document with its place; a name stands at its own place.

    Raises:
        TooDeepError: more than 100 lists and objects inside each other.
    """
    root: Place = (None, ROOT) if isinstance(value, list) else None
    waiting: deque[tuple[Place, Any, int]] = deque([(root, value, 1)])  # no recursion: depth is not ours
    while waiting:
        place, item, depth = waiting.popleft()
        if not isinstance(item, (dict, list)):
            yield place, item
            continue
        if depth > MAX_DEPTH:
            raise _too_deep(place)
        for name, inner in item.items() if isinstance(item, dict) else enumerate(item):
            here = (place, str(name))
            if isinstance(name, str):
                yield here, name
            if isinstance(inner, (dict, list)):
                waiting.append((here, inner, depth + 1))
            else:
                yield here, inner


def dotted(place: Place) -> str | None:
    """`signals.0.value`; None for the whole."""
    names: list[str] = []
    while place is not None:
        place, name = place
        names.append(name[:MAX_NAME])
    return ".".join(reversed(names)) or None


def flaw(leaf: Any) -> type[InvalidInputError] | None:
    """What is wrong with a text or a number by itself."""
    if isinstance(leaf, str):
        if "\x00" in leaf:
            return NulError
        return SurrogateError if not leaf.isascii() and _has_half_a_pair(leaf) else None
    return NotFiniteError if isinstance(leaf, float) and not math.isfinite(leaf) else None


def _has_half_a_pair(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


WORDS: dict[type[InvalidInputError], tuple[str, str]] = {
    NulError: ("A NUL character cannot be kept.", "Remove it."),
    SurrogateError: (
        "Half a surrogate pair is no character.",
        r"Send the character itself, or both halves (\ud83d\ude00).",
    ),
    NotFiniteError: ("A finite number is needed.", "Send a number that a 64-bit float can hold, or null."),
}


def _at(place: Place, problem: type[InvalidInputError]) -> InvalidInputError:
    field = dotted(place)
    words, remedy = WORDS[problem]
    return problem(f"{field}: {words}" if field else words, field=field, remedy=remedy)


def _too_deep(place: Place) -> TooDeepError:
    while place is not None and place[0] is not None:
        place = place[0]
    return TooDeepError(
        f"The body is nested more than {MAX_DEPTH} deep.", field=dotted(place), remedy="Nest it less."
    )
