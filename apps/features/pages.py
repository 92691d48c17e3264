"""What a Parquet file takes once it is unpacked, known before.

Footers tell sizes that no reader checks. What readers believe, and reserve memory by, is the header before
each page: so those are read here, and summed up. Texts that a dictionary holds once count once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from apps.common.errors import InvalidInputError

from . import thrift
from .thrift import I64, Fields, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PAGES = 20_000
MAX_FOOTER = 2**20

_END = b"PAR1"
_TAIL = 8  # bytes after the footer: its length and the word
# Bytes a value besides the text itself, by Parquet's number of the physical type.
_BOOLEAN, _INT96, _BYTE_ARRAY, _FIXED = 0, 3, 6, 7
_WIDTHS = {_BOOLEAN: 1, _INT96: 16, _BYTE_ARRAY: 16}
_OTHER_WIDTH = 8
_DELTA_TEXTS = {6, 7}  # encodings whose own headers claim sizes of their own
# Of older files of this library, Arrow reads a few bytes beyond what the footer says.
_TRUSTED_JAVA = re.compile(rb"parquet-mr version (1\.([3-9]|[1-9]\d)|[2-9])\.")
# Fields of Parquet's structs.
_SCHEMA, _ROWS, _GROUPS, _CREATED_BY = 2, 3, 4, 6
_TYPE, _TYPE_LENGTH, _CHILDREN = 1, 2, 5
_CHUNKS, _META, _PACKED_SIZE, _DATA_AT, _DICTIONARY_AT = 1, 3, 7, 9, 11
_UNPACKED, _PACKED, _COUNT = 2, 3, 1
_PAGE_KINDS = {
    5: 2,
    7: 2,
    8: 4,
}  # header of a data page, a dictionary, a data page of version 2: its encoding


def check(body: bytes, *, max_rows: int, max_bytes: int) -> None:
    """Refuse a file of more than `max_rows`, or whose pages unpack to more than `max_bytes`.

    Raises:
        InvalidInputError: it is, they do, there are too many, or their sizes cannot be known beforehand.
        ValueError: the bytes are not Parquet.
        IndexError: they end too early.
    """
    footer = _footer(body)
    groups = thrift.structs(footer, _GROUPS)
    _check_rows([whole(footer, _ROWS, I64), sum(whole(group, _ROWS, I64) for group in groups)], max_rows)
    _check_author(footer)
    widths = _widths(footer)
    pages = packed = unpacked = 0
    for width, chunk in _chunks(groups, widths):
        for header in _pages(body, chunk):
            pages += 1
            packed += max(whole(header, _UNPACKED), whole(header, _PACKED))
            unpacked += width * _values(header)
            if pages > MAX_PAGES:
                raise _refusal(f"At most {MAX_PAGES} pages.", "Write it in one group of rows.")
            if max(packed, unpacked) > max_bytes:
                raise _refusal(f"At most {max_bytes // 2**20} MB unpacked.", "Send it in chunks.")


def _footer(body: bytes) -> Fields:
    length = int.from_bytes(body[-_TAIL:-4], "little")
    if not body.endswith(_END) or length + _TAIL > len(body):
        raise ValueError("there is no footer")
    if length > MAX_FOOTER:
        raise _refusal(f"A footer has at most {MAX_FOOTER // 2**20} MB.", "Write it in one group of rows.")
    return thrift.struct(body, len(body) - _TAIL - length)[0]


def _check_rows(claims: list[int], max_rows: int) -> None:
    wrong = next((count for count in claims if not 1 <= count <= max_rows), None)
    if wrong is not None:
        raise _refusal(f"1 to {max_rows} rows a request, not {wrong}.", "Send it in chunks.")


def _check_author(footer: Fields) -> None:
    created_by = footer.get(_CREATED_BY, (0, b""))[1]
    if not isinstance(created_by, bytes):
        raise ValueError("the writer is no text")  # noqa: TRY004  # of the input, not of a caller
    if b"parquet-mr" in created_by.lower() and not _TRUSTED_JAVA.match(created_by):
        raise _refusal("Files of parquet-mr before 1.3 are not taken.", "Write it with a newer library.")


def _widths(footer: Fields) -> list[int]:
    """Bytes that a value of each column takes, in the order of the columns."""
    widths = []
    for element in thrift.structs(footer, _SCHEMA)[1:]:
        if element.get(_CHILDREN, (0, 0))[1]:
            raise _refusal("Only flat columns are taken.", "Send join key and times alone.")
        kind = whole(element, _TYPE)
        fixed = kind == _FIXED
        widths.append(max(16, whole(element, _TYPE_LENGTH)) if fixed else _WIDTHS.get(kind, _OTHER_WIDTH))
    return widths


def _chunks(groups: list[Fields], widths: list[int]) -> Iterator[tuple[int, Fields]]:
    for group in groups:
        for width, chunk in zip(widths, thrift.structs(group, _CHUNKS), strict=True):
            meta = thrift.inner(chunk, _META)
            if meta is None:
                raise ValueError("a column without data")
            yield width, meta


def _pages(body: bytes, chunk: Fields) -> Iterator[Fields]:
    """The header of every page of one column chunk."""
    at = whole(chunk, _DATA_AT, I64)
    dictionary = whole(chunk, _DICTIONARY_AT, I64) if _DICTIONARY_AT in chunk else 0
    if 0 < dictionary < at:
        at = dictionary
    end = at + whole(chunk, _PACKED_SIZE, I64)
    if end > len(body):
        raise ValueError("a column lies outside of the file")
    while at < end:
        header, at = thrift.struct(body, at)
        at += whole(header, _PACKED)
        if at > end:
            raise ValueError("a page is longer than its column")
        yield header


def _values(header: Fields) -> int:
    """How many values a page holds, by whichever header of a kind it has."""
    values = 0
    for number, encoding in _PAGE_KINDS.items():
        kind = thrift.inner(header, number)
        if kind is not None:
            if whole(kind, encoding) in _DELTA_TEXTS:
                raise _refusal(
                    "Texts are encoded plainly or by dictionary.", "Write without delta encodings."
                )
            values += whole(kind, _COUNT)
    return values


def _refusal(detail: str, remedy: str) -> InvalidInputError:
    return InvalidInputError(detail, field="body", remedy=remedy)
