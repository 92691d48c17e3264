"""Registering splits: the same description is the same split, and a split never changes.

    split = register(describe("ablation", members, rules))
    split = register(describe("ablation", members, rules), expected="spring")   # a name or an id

`expected` holds a run to a split: its first use gives the name away, later ones must find the same members.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from apps.common.canonical import canonical_json, digest
from apps.common.errors import InvalidInputError

from .errors import SplitChangedError
from .models import HASH, Split, SplitName

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.analysis.split import Rules
    from apps.analysis.types import Interval

PROTOCOL = 1
NAME_LENGTH = 100
MOST_NAMED = 5
"""Changes that an error lists; the rest is counted."""


@dataclass(frozen=True)
class Member:
    """One series of a split. `from_us`, `to_us`: first and last held-out sample, in microseconds since 1970.

    `cut_us`: first moment that training never saw. `data_hash` covers every sample that was read of it.
    """

    series: str
    cut_us: int
    from_us: int
    to_us: int
    data_hash: str
    incidents: tuple[Interval, ...]


def describe(purpose: str, members: Iterable[Member], rules: Rules, **more: Any) -> dict[str, Any]:
    """The description of a split as canonical JSON values; `more` is what else decides membership."""
    return {
        "protocol": PROTOCOL,
        "purpose": purpose,
        "rules": asdict(rules),
        "series": {
            one.series: {
                "cut_us": one.cut_us,
                "from_us": one.from_us,
                "to_us": one.to_us,
                "data_hash": one.data_hash,
                "incidents": [[found.start_us, found.end_us] for found in one.incidents],
            }
            for one in members
        },
        **more,
    }


def data_hash(members: Iterable[Member]) -> str:
    """SHA-256 over the samples of all members, whatever is held out of them."""
    return digest({one.series: one.data_hash for one in members})


def register(description: Mapping[str, Any], *, expected: str = "") -> Split:
    """The split of this description, stored if it is new.

    Each of its `series` needs at least a cut (`cut_us`), a `data_hash` and its `incidents`.

    Raises:
        InvalidInputError: a series lacks one of these, there is no series, or `expected` cannot be a name.
        SplitChangedError: `expected` stands for other members; it says what changed.
    """
    _check(description)
    canonical = canonical_json(description).decode()
    identity = digest(description)
    known = _expected(expected)
    if known is not None and known.pk != identity:
        raise _changed(expected, known.description, description)
    split, _ = Split.objects.get_or_create(id=identity, defaults={"canonical": canonical})
    if split.canonical != canonical:  # two descriptions of one hash, or somebody edited rows
        raise _changed(identity, split.description, description)
    if expected and known is None:
        named, _ = SplitName.objects.get_or_create(name=expected, defaults={"split": split})
        if named.split_id != identity:  # somebody else gave the name away meanwhile
            raise _changed(expected, named.split.description, description)
    return split


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions, in words, series in order of their ids."""
    old, new = before.get("series", {}), after.get("series", {})
    said = [f"{name} is gone" for name in sorted(set(old) - set(new))]
    said += [f"{name} is new" for name in sorted(set(new) - set(old))]
    for name in sorted(set(old) & set(new)):
        fields = sorted(key for key in {*old[name], *new[name]} if old[name].get(key) != new[name].get(key))
        said += [f"{name}: {_moved(key, old[name].get(key), new[name].get(key))}" for key in fields]
    others = sorted({*before, *after} - {"series"})
    return said + [f"other {key}" for key in others if before.get(key) != after.get(key)]


def _check(description: Mapping[str, Any]) -> None:
    series = description.get("series")
    if not isinstance(series, Mapping) or not series:
        raise InvalidInputError(
            "A split needs at least one series.", field="series", remedy="Choose series that have samples."
        )
    for name, member in series.items():
        if lacking := sorted({"cut_us", "data_hash", "incidents"} - set(member)):
            raise InvalidInputError(
                f"{name} comes without {' and '.join(lacking)}.",
                field=f"series.{name}",
                remedy="Say of each series where it is cut, which samples it has and which incidents.",
            )


def _expected(words: str) -> Split | None:
    """The split that a name or an id stands for; None for a name that is still free.

    Raises:
        InvalidInputError: an id that nobody registered, or a name too long or blank.
    """
    if not words:
        return None
    if re.fullmatch(HASH, words):
        found = Split.objects.filter(pk=words).first()
        if found is None:
            raise InvalidInputError(
                f"There is no split {words[:12]}…", field="split", remedy="Use the hash of an earlier run."
            )
        return found
    if not words.strip() or len(words) > NAME_LENGTH or "\0" in words:
        raise InvalidInputError(
            "That cannot name a split.", field="split", remedy=f"Use at most {NAME_LENGTH} characters."
        )
    named = SplitName.objects.filter(pk=words).select_related("split").first()
    return named.split if named else None


def _changed(words: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> SplitChangedError:
    said = changes(before, after)
    more = f"; and {len(said) - MOST_NAMED} more" if len(said) > MOST_NAMED else ""
    return SplitChangedError(
        f"The split {words[:40]!r} has other members now: {'; '.join(said[:MOST_NAMED])}{more}.",
        field="split",
        remedy="Compare on a new split under another name, or restore the data.",
    )


def _moved(key: str, before: Any, after: Any) -> str:
    match key:
        case "incidents":
            return f"{len(before or [])} incidents became {len(after or [])}, or moved"
        case "data_hash":
            return "other samples"
        case _:
            return f"{key} {before} became {after}"
