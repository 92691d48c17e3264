"""Rows of a CSV file (RFC 4180), one at a time, each with its number; anything irregular refuses the file."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .errors import BrokenFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A file opened for reading bytes, or bytes in memory.
Stream: TypeAlias = io.BufferedReader | io.BytesIO

LONGEST_LINE = 2**20
NOT_UTF8 = re.compile("[\udc80-\udcff]")
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of a file. `rows` yields (row number, fields in the order wanted) and leaves blank rows out."""

    rows: Iterator[tuple[int, list[str]]]
    ignored: list[str]  # columns nobody asked for
    blank: list[int]  # numbers of blank rows met so far


def open_table(stream: Stream, *, file: str, wanted: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """Read the header now and the rows as they are asked for.

    Column names are compared without case and outer spaces; an optional column that is absent reads as "".

    Raises:
        BrokenFileError: here or while iterating: not UTF-8, a NUL, a missing or repeated column, a row with
            another number of fields, a quote that never closes.
    """
    lines = _Lines(stream, file)
    reader = csv.reader(lines, strict=True)
    header = _header(reader, lines, wanted)
    places = [header.index(name) if name in header else None for name in (*wanted, *optional)]
    blank: list[int] = []
    ignored = [name or "(no name)" for name in header if name not in wanted and name not in optional]
    return Table(_rows(reader, lines, header, places, blank), ignored, blank)


class _Lines:
    """Lines of text from bytes, checked one by one so that an error can name its row."""

    def __init__(self, stream: Stream, file: str) -> None:
        # Undecodable bytes become lone surrogates, which shows in which row they stand.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self.file = file
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST_LINE)
        if not line:
            # Closing would close the caller's stream, and so would the wrapper when it is collected.
            self._text.detach()
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST_LINE:
            raise self.broken("a line of more than a million characters", remedy="Is this a CSV file?")
        if "\0" in line:
            raise self.broken("a NUL character", text=line.strip(), remedy=self._encoding_remedy(line))
        if not line.isascii() and (found := NOT_UTF8.search(line)):
            around = line[max(0, found.start() - 20) : found.start() + 20].strip()
            raw = around.encode("utf-8", "surrogateescape").decode("latin-1")
            raise self.broken("not UTF-8 text", text=raw, remedy=self._encoding_remedy(line))
        return line

    def broken(
        self,
        problem: str,
        *,
        row: int | None = None,
        column: str | None = None,
        text: str | None = None,
        remedy: str,
    ) -> BrokenFileError:
        return BrokenFileError(
            problem, file=self.file, row=row or self.number, column=column, text=text, remedy=remedy
        )

    def _encoding_remedy(self, line: str) -> str:
        start = line[:2].encode("utf-8", "surrogateescape")
        utf16 = self.number == 1 and start in UTF16_MARKS
        return "The file is UTF-16: save it as UTF-8." if utf16 else "Save the file as UTF-8 text."


def _header(reader: Iterator[list[str]], lines: _Lines, wanted: Sequence[str]) -> list[str]:
    expected = ",".join(wanted)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
    except csv.Error as exc:
        raise lines.broken(
            f"not a CSV header ({exc})", row=1, remedy=f"The first row must be {expected}."
        ) from exc
    if not header:
        raise lines.broken("no header", row=1, remedy=f"The first row must be {expected}.")
    for name in wanted:
        if header.count(name) != 1:
            how = "no column" if name not in header else "more than one column"
            raise lines.broken(
                f"{how} {name}",
                row=1,
                column=name,
                text=",".join(header),
                remedy=f"The first row must be {expected}, separated by commas.",
            )
    return header


def _rows(
    reader: Iterator[list[str]],
    lines: _Lines,
    header: list[str],
    places: list[int | None],
    blank: list[int],
) -> Iterator[tuple[int, list[str]]]:
    width = len(header)
    row = lines.number
    try:
        for fields in reader:
            row = lines.number
            if len(fields) != width:
                if not fields or (len(fields) == 1 and not fields[0].strip()):
                    blank.append(row)
                    continue
                raise lines.broken(
                    f"{len(fields)} fields where the header has {width}",
                    row=row,
                    text=",".join(fields),
                    remedy="Every row needs as many fields as the header; quote a field that holds a comma.",
                )
            yield row, [fields[place] if place is not None else "" for place in places]
    except csv.Error as exc:
        # A quote that never closes is noticed at the end of the file; its record began after the last row.
        raise lines.broken(
            f"not CSV ({exc})", row=row + 1, remedy="Close every quote, and double a quote inside a field."
        ) from exc
