"""Narrowing a list of incidents by what stands in an address; what is unknown finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .querysets import IncidentQuerySet

COLUMNS = {
    "service": "service__slug",
    "severity": "severity__code",
    "kind": "kind",
    "origin": "origin",
    "state": "state",
}


def narrowed(found: IncidentQuerySet, given: Mapping[str, str]) -> IncidentQuerySet:
    """The rows that `is` (open, ended), service, severity, kind, origin, state and the words of `q` leave."""
    for name, column in COLUMNS.items():
        if value := given.get(name):
            found = found.none() if "\x00" in value else found.filter(**{column: value})
    match given.get("is"):
        case "open":
            found = found.open()
        case "ended":
            found = found.ended()
        case None | "":
            pass
        case _:
            found = found.none()
    if words := (given.get("q") or "").strip():
        found = found.none() if "\x00" in words else found.search(words[:200])
    return found
