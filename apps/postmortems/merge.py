"""Two people write at once: a merge of three versions, field by field. Pure; values are plain JSON.

Values are texts and codes (atoms), lists of codes (sets), lists of objects with an `id` (rows), and objects.
What one side alone changed is taken. Sets are merged element by element. A row that one side deleted and the
other edited stays. What is left, an atom that both changed to different things, is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str, ...]
Json: TypeAlias = Any
MISSING = object()


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that both changed. `base` is what both started from."""

    path: Path
    base: Json
    mine: Json
    theirs: Json


@dataclass(slots=True)
class Merge:
    """`data` has my value at each conflict; `taken` are the fields that came from the other side."""

    data: dict[str, Json]
    conflicts: list[Conflict] = field(default_factory=list)
    taken: list[Path] = field(default_factory=list)


def merge(base: dict[str, Json], mine: dict[str, Json], theirs: dict[str, Json]) -> Merge:
    """What both wrote since `base`."""
    done = Merge({})
    done.data = _objects(done, (), base, mine, theirs)
    return done


def _value(done: Merge, path: Path, base: Json, mine: Json, theirs: Json) -> Json:
    if mine == theirs or theirs == base:  # noqa: PLR1714  # lists have no hash
        return mine
    if mine == base:
        done.taken.append(path)
        return theirs
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return _objects(done, path, base if isinstance(base, dict) else {}, mine, theirs)
    if isinstance(mine, list) and isinstance(theirs, list):
        return _lists(done, path, base if isinstance(base, list) else [], mine, theirs)
    done.conflicts.append(Conflict(path, *(None if v is MISSING else v for v in (base, mine, theirs))))
    return theirs if mine is MISSING else mine


def _objects(
    done: Merge, path: Path, base: dict[str, Json], mine: dict[str, Json], theirs: dict[str, Json]
) -> dict[str, Json]:
    found = {
        key: _value(done, (*path, key), *(side.get(key, MISSING) for side in (base, mine, theirs)))
        for key in dict.fromkeys([*mine, *theirs])
    }
    return {key: value for key, value in found.items() if value is not MISSING}


def _lists(done: Merge, path: Path, base: list[Json], mine: list[Json], theirs: list[Json]) -> list[Json]:
    """Sets or rows, by what they hold; a base of another form is as none."""
    if _is_rows(mine + theirs):
        return _rows(done, path, [row for row in base if _is_rows([row])], mine, theirs)
    done.taken.append(path)
    return _sets([value for value in base if isinstance(value, str)], mine, theirs)


def _is_rows(values: list[Json]) -> bool:
    return bool(values) and all(
        isinstance(value, dict) and isinstance(value.get("id"), str) for value in values
    )


def _sets(base: list[Json], mine: list[Json], theirs: list[Json]) -> list[Json]:
    """What neither took away of the base, then what each added."""
    kept = [value for value in base if value in mine and value in theirs]
    return kept + [value for value in dict.fromkeys([*mine, *theirs]) if value not in base]


def _rows(done: Merge, path: Path, base: list[Json], mine: list[Json], theirs: list[Json]) -> list[Json]:
    before, ours, others = ({row["id"]: row for row in side} for side in (base, mine, theirs))
    merged: dict[str, Json] = {}
    for key in dict.fromkeys([*ours, *others]):
        row = _row(done, (*path, str(key)), before.get(key), ours.get(key), others.get(key))
        if row is not None:
            merged[key] = row
    return [merged[key] for key in _order(list(before), list(ours), list(others)) if key in merged]


def _row(done: Merge, path: Path, base: Json, mine: Json, theirs: Json) -> Json:
    """One row, or None if it is gone: deleted by one, untouched by the other."""
    if mine is None or theirs is None:
        there = theirs if mine is None else mine
        gone = base is not None and there == base
        if mine is None or gone:
            done.taken += [] if mine is None and gone else [path]
        return None if gone else there
    return _objects(done, path, base or {}, mine, theirs)


def _order(base: list[str], mine: list[str], theirs: list[str]) -> list[str]:
    """My order if I moved a row, else theirs; the other side's further rows follow those they followed."""
    moved = [key for key in base if key in mine] != [key for key in mine if key in base]
    result, other = (list(mine), theirs) if moved else (list(theirs), mine)
    for index, key in enumerate(other):
        if key not in result:
            previous = [before for before in other[:index] if before in result]
            result.insert(result.index(previous[-1]) + 1 if previous else 0, key)
    return result
