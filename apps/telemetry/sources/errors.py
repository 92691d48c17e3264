"""What is wrong with a file, said so that its owner can mend it."""

from __future__ import annotations

from typing import ClassVar

from apps.common.errors import InvalidInputError

SHOWN = 80  # characters of the offending text that an error repeats


class BrokenFileError(InvalidInputError):
    """A file that is refused as a whole: nothing of it is kept.

    `row` is the line as an editor counts it (the header is row 1); `text` is what was found there.
    """

    code: ClassVar[str] = "broken_file"

    def __init__(
        self,
        problem: str,
        *,
        file: str,
        row: int | None = None,
        column: str | None = None,
        text: str | None = None,
        remedy: str,
    ) -> None:
        where = file if row is None else f"{file}, row {row}"
        where = where if column is None else f"{where}, column {column}"
        found = "" if text is None else f", found {shown(text)}"
        super().__init__(f"{where}: {problem}{found}. {remedy}", field=column or "file", remedy=remedy)
        self.problem = problem
        self.file = file
        self.row = row
        self.column = column
        self.text = text

    def as_dict(self) -> dict[str, str | int | None]:
        """The parts by name, for `--json`."""
        return {
            "file": self.file,
            "row": self.row,
            "column": self.column,
            "text": None if self.text is None else shown(self.text),
            "problem": self.problem,
            "remedy": self.remedy,
        }


def shown(text: str) -> str:
    """`text` quoted, escaped to ASCII (it may be binary) and cut to a readable length."""
    return ascii(text) if len(text) <= SHOWN else ascii(text[:SHOWN]) + "…"


def several(errors: list[BrokenFileError]) -> BrokenFileError:
    """One error for many broken files: the first in full, the others by name.

    Raises:
        IndexError: `errors` is empty.
    """
    first, *others = errors
    if others:
        named = ", ".join(error.file for error in others[:10])
        first.detail = f"{first.detail} Broken as well: {named}{', …' if len(others) > 10 else ''}."  # noqa: PLR2004
        first.args = (first.detail,)
    return first
