"""What a form of a step sends: the part as typed, the part as it was given out, and choices in conflicts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import APIException

from apps.common import strict_json
from apps.common.errors import DomainError

from . import content

if TYPE_CHECKING:
    from django.http import QueryDict

KEEP = "keep."  # begins the name of a choice; the path of the field follows
THEIRS = "theirs"


class Posted:
    """`mine` is what was typed; `base` what the editor had got, empty if that cannot be read."""

    def __init__(self, posted: QueryDict, step: str) -> None:
        self.mine = content.read(posted, step)
        self.base = _base(posted.get("base", ""))
        self.given_up = [
            name.removeprefix(KEEP).split(".")
            for name, value in posted.items()
            if name.startswith(KEEP) and value == THEIRS
        ]

    def decided(self) -> dict[str, Any]:
        """What was typed, with the other's text wherever the editor chose it."""
        mine = copy.deepcopy(self.mine)
        for path in self.given_up:
            _put(mine, path, self.base)
        return mine


def _base(text: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(text.encode())
    except (
        ValueError,
        APIException,
        DomainError,
    ):  # spoilt on its way: both sides are asked
        return {}
    return found if isinstance(found, dict) else {}


def _put(into: Any, path: list[str], source: Any) -> None:
    """Copy what `source` has at a path; nothing happens where the path leads nowhere."""
    *way, last = path
    for name in way:
        into, source = _inner(into, name), _inner(source, name)
    if isinstance(into, dict) and isinstance(source, dict) and last in source:
        into[last] = source[last]


def _inner(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return next((row for row in value if isinstance(row, dict) and row.get("id") == name), None)
    return value.get(name) if isinstance(value, dict) else None
