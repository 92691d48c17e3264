"""What a file held besides clean samples, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Issue:
    """One kind of blemish: how often, where first, what was done. The header is row 1."""

    count: int
    first_row: int | None
    action: str
    detail: dict[str, Any] = field(default_factory=dict)


# What is done about each kind; the reports repeat it, so that nobody has to look it up.
ACTIONS = {
    "blank_rows": "skipped",
    "ignored_columns": "ignored",
    "missing_values": "dropped",
    "infinite_values": "dropped",
    "identical_duplicates": "dropped",
    "conflicting_duplicates": "the last row of a time wins",
    "out_of_order": "sorted by time",
    "gaps": "left as gaps, nothing is invented",
    "mixed_zones": "times without a zone read in the zone given, others in their own",
    "ambiguous_local_times": "the earlier of the two moments taken",
    "nonexistent_local_times": "moved forward by the hour that the clock skips",
}


@dataclass(slots=True)
class Report:
    """`rows` read under the header, `samples` kept, `issues` by kind (see `ACTIONS`)."""

    file: str
    sha256: str = ""
    rows: int = 0
    samples: int = 0
    cadence_s: float | None = None
    issues: dict[str, Issue] = field(default_factory=dict)

    def add(self, kind: str, *, row: int | None, count: int = 1, **detail: Any) -> None:
        """Count one more of `kind`; the first row and the first detail stay."""
        issue = self.issues.get(kind)
        if issue is None:
            self.issues[kind] = Issue(count, row, ACTIONS[kind], detail)
        else:
            issue.count += count

    def count(self, kind: str) -> int:
        issue = self.issues.get(kind)
        return issue.count if issue else 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "sha256": self.sha256,
            "rows": self.rows,
            "samples": self.samples,
            "cadence_s": self.cadence_s,
            "issues": {
                kind: {
                    "count": issue.count,
                    "first_row": issue.first_row,
                    "action": issue.action,
                    **issue.detail,
                }
                for kind, issue in sorted(self.issues.items())
            },
        }
