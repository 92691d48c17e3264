"""What the buttons of a list do without a script: add, remove and move a row. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import content

STEPS = {"up": -1, "down": 1}
FIRST_FIELD = {"timeline": "at", "observations": "text", "recommendations": "text", "actions": "title"}


TIMED = re.compile(
    r"^\W{0,2}(\d{4}-\d\d-\d\d(?:[T ]\d\d(?::\d\d(?::\d\d)?)?)?"
    r"(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)(?!\w))?)\W{0,3}\s*(.*)$"
)


@dataclass(frozen=True, slots=True)
class Command:
    verb: str
    name: str
    row: str

    @classmethod
    def of(cls, text: str) -> Command | None:
        """`add:timeline`, `remove:timeline:ab12`, `up:observations:ab12`; None if it is none."""
        verb, name, row = [*text.split(":"), "", ""][:3]
        known = verb in {"add", "remove", "paste", *STEPS} and name in content.COLUMNS
        return cls(verb, name, row) if known else None

    def apply(self, part: dict[str, Any], pasted: str = "") -> str:
        """Change the list in place; the anchor to go to."""
        rows = part.get(self.name, [])
        if self.verb == "paste" and self.name == "timeline":
            rows.extend(entries(pasted))
            return f"#list-{self.name}"
        if self.verb == "add":
            rows.append(content.new_row(self.name))
            return f"#id_{self.name}-{rows[-1]['id']}-{FIRST_FIELD[self.name]}"
        at = next((index for index, row in enumerate(rows) if row["id"] == self.row), None)
        if at is None:
            return f"#list-{self.name}"
        if self.verb == "remove":
            gone = rows.pop(at)
            for other in part.get("recommendations", []):
                other["cites"] = [cited for cited in other.get("cites", []) if cited != gone["id"]]
            return f"#list-{self.name}"
        to = max(0, min(len(rows) - 1, at + STEPS[self.verb]))
        rows.insert(to, rows.pop(at))
        return f"#row-{self.name}-{self.row}"


def entries(pasted: str) -> list[dict[str, Any]]:
    """Timeline rows from lines that begin with a time; a line without one goes on with the entry before.

    Order and words stay as they were pasted.
    """
    rows: list[dict[str, Any]] = []
    for line in filter(None, (line.strip() for line in pasted.splitlines())):
        timed = TIMED.match(line)
        if timed:
            rows.append({**content.new_row("timeline"), "at": timed[1], "text": timed[2]})
        elif rows:
            rows[-1]["text"] = f"{rows[-1]['text']}\n{line}".strip()
        else:
            rows.append({**content.new_row("timeline"), "text": line})
    return rows
