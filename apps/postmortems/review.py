"""A review as values: what is checked, composed and filed. Knows neither forms nor requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.common.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from apps.accounts.models import User
    from apps.catalog.models import Term


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    precision: str
    kind: str
    text: str
    actor_role: str = ""
    source: str = ""
    as_written: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    text: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """`cites` are numbers of observations, from 1, rising."""

    text: str
    cites: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """An action item to be opened when the review is filed."""

    title: str
    kind: str
    owner: User
    due_on: date
    metric: str
    direction: str


@dataclass(frozen=True, slots=True)
class Review:
    title: str
    service: str
    kind: str
    incident_id: int | None
    summary: str
    labels: dict[str, tuple[Term, ...]]
    no_human_factor_reason: str
    timeline: tuple[Entry, ...]
    observations: tuple[Seen, ...]
    recommendations: tuple[Advice, ...]
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place: `path` leads there as in JSON, `("recommendations", 0, "cites")`."""

    path: tuple[str | int, ...]
    text: str
    code: str = "invalid_input"

    @property
    def where(self) -> str:
        """The path as one word: `recommendations.0.cites`."""
        return ".".join(str(part) for part in self.path)


class ReviewIncompleteError(InvalidInputError):
    """A review that cannot be filed yet; `problems` lists everything that is wrong, never empty."""

    code = "review_incomplete"

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" {len(problems) - 1} more things are missing or wrong." if len(problems) > 1 else ""
        super().__init__(first.text + more, field=first.where)
        self.problems = tuple(problems)
