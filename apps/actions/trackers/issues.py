"""What the room needs of any issue tracker: an issue, the verbs of a client, and the errors of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from apps.common.errors import DomainError

if TYPE_CHECKING:
    from datetime import date

COMPLETED = "completed"
NOT_PLANNED = "not_planned"


class TrackerError(DomainError):
    """The tracker could not do it. `later_s` says after how many seconds it asks to be tried again."""

    code = "tracker_failed"
    status = 502

    def __init__(self, detail: str, *, later_s: float | None = None, remedy: str | None = None) -> None:
        super().__init__(detail, remedy=remedy)
        self.later_s = later_s


class NoSuchIssueError(TrackerError):
    """There is no such issue, or the token may not see it."""

    code = "no_such_issue"


@dataclass(frozen=True)
class Issue:
    """An issue as it is there. `state` is "open", "in_progress" or "closed"; `why` says how it closed."""

    key: str
    title: str
    state: str
    why: str = ""
    owner: str = ""
    due_on: date | None = None
    url: str = ""

    @property
    def given_up(self) -> bool:
        """Closed, and not because it was done."""
        return self.state == "closed" and self.why != COMPLETED


@dataclass(frozen=True)
class Wanted:
    """How an issue should be; None leaves a field as it is."""

    title: str | None = None
    state: str | None = None  # open, closed
    why: str = ""
    owner: str | None = None  # a login; "" nobody
    due_on: date | None = None
    text: str = ""


@dataclass(frozen=True)
class Told:
    """What a webhook tells of one issue: the fields that changed, and the moment (ISO 8601, UTC).

    `fields` maps title, state (as of `Issue`), owner (a login), due_on (ISO date or "") to their new values.
    """

    event: str
    issue: Issue | None
    at: str = ""
    by: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    text: str = ""
    gone: bool = False


class Client(Protocol):
    """The verbs that both trackers have. All raise `TrackerError`."""

    def check(self) -> str: ...

    def read(self, key: str) -> Issue: ...

    def find(self, marker: str, since: str) -> Issue | None: ...

    def create(self, wanted: Wanted, marker: str) -> Issue: ...

    def change(self, issue: Issue, wanted: Wanted) -> Issue: ...

    def comment_once(self, key: str, text: str, marker: str) -> None: ...
