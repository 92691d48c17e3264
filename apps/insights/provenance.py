"""Where a lesson comes from, held by hash and lines, so that a served value leads to its words (A19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.common.errors import InvalidInputError
from apps.postmortems.models import Postmortem, split_lines

from .drafts import SHA256, Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User

PREFIX = "postmortem:"
ENDS = 2  # a range of lines has a first and a last one
MAX_DOCUMENT = 500  # characters
MAX_EXCERPT = 20_000  # characters


def clean_source(given: object, *, reader: User) -> Source:
    """The provenance of a draft: lines of a postmortem here, or an outside document with hash and excerpt.

    Raises:
        InvalidInputError: no such postmortem for this reader, lines out of the document, or a malformed hash.
    """
    if not isinstance(given, dict):
        raise InvalidInputError(
            "Provenance is an object.",
            field="provenance",
            remedy='Use {"postmortem": id, "lines": [first, last]} '
            'or {"document", "sha256", "lines", "excerpt"}.',
        )
    first, last = _lines(given.get("lines"))
    if given.get("postmortem") is not None:
        return _from_postmortem(given["postmortem"], first, last, reader=reader)
    return _from_outside(given, first, last)


def _lines(value: object) -> tuple[int, int]:
    pair = [value, value] if isinstance(value, int) else value
    whole = isinstance(pair, list | tuple) and len(pair) == ENDS and all(type(line) is int for line in pair)
    if not whole or not isinstance(pair, list | tuple) or not 1 <= pair[0] <= pair[1] <= 2**31 - 1:
        raise InvalidInputError(
            "Name the first and the last line of the source.",
            field="provenance.lines",
            remedy="[first, last], counted from 1, both included.",
        )
    return pair[0], pair[1]


def _from_postmortem(key: object, first: int, last: int, *, reader: User) -> Source:
    if type(key) is not int or not 0 < key < 2**63:
        raise InvalidInputError("A postmortem is named by its number.", field="provenance.postmortem")
    postmortem = Postmortem.objects.visible_to(reader).filter(pk=key).first()
    if postmortem is None:
        raise InvalidInputError(f"There is no postmortem {key}.", field="provenance.postmortem")
    count = len(split_lines(postmortem.narrative))
    if last > count:
        raise InvalidInputError(f"The narrative has {count} lines.", field="provenance.lines")
    return Source(f"{PREFIX}{key}", postmortem.sha256, first, last, postmortem.lines(first, last))


def _from_outside(given: Mapping[str, Any], first: int, last: int) -> Source:
    document, sha256, excerpt = given.get("document"), given.get("sha256"), given.get("excerpt", "")
    if not isinstance(document, str) or not document.strip() or len(document) > MAX_DOCUMENT:
        raise InvalidInputError(
            "Name the source: a postmortem of this installation, or a document.",
            field="provenance.document",
            remedy="At most 500 characters, for example the address of a runbook or a chat transcript.",
        )
    if document.startswith(PREFIX):
        raise InvalidInputError(
            "A postmortem of this installation is named by its number.",
            field="provenance.document",
            remedy='Use {"postmortem": id, "lines": […]}: the hash and the words are then taken from it.',
        )
    if not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
        raise InvalidInputError("The SHA-256 of the document is 64 hex digits.", field="provenance.sha256")
    if not isinstance(excerpt, str) or len(excerpt) > MAX_EXCERPT:
        raise InvalidInputError(
            "The excerpt is a text of at most 20,000 characters.", field="provenance.excerpt"
        )
    return Source(document, sha256, first, last, excerpt)


def postmortem_number(source: Source) -> int | None:
    """The number of the postmortem that a source cites; None for documents kept elsewhere."""
    return int(source.document.removeprefix(PREFIX)) if source.document.startswith(PREFIX) else None


def intact(source: Source) -> bool | None:
    """Does the cited postmortem still have the words that were cited? None for documents kept elsewhere."""
    if not source.document.startswith(PREFIX):
        return None
    postmortem = Postmortem.objects.filter(pk=int(source.document.removeprefix(PREFIX))).first()
    if postmortem is None or postmortem.sha256 != source.sha256:
        return False
    return postmortem.lines(source.first_line, source.last_line) == source.excerpt
