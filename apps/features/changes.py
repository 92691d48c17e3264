"""What a release changed, what a revert would change, and how two releases differ, for people to read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import OuterRef, Subquery

from . import wording
from .models import ProfileRow, Release
from .releases import changes_to, content_at, current
from .schema import restore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# What a series is said to be after its change.
NEW, CHANGED, WITHDRAWN, SAME, SOURCES = "new", "changed", "withdrawn", "same", "sources"
_WORDS = {
    NEW: "new",
    CHANGED: "changed",
    WITHDRAWN: "withdrawn",
    SAME: "unchanged",
    SOURCES: "same values, other sources",
}
# Follow from the sources of the other columns; shown last.
_LAST = ("n_incidents", "n_benign", "confidence", "expires_at")


@dataclass(frozen=True)
class ColumnChange:
    """One column of one series; the words say what stands there, or what a detector does without it."""

    column: str
    label: str
    before: str
    after: str
    changed: bool
    sources: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class SeriesChange:
    """One series; `what` is one of the codes above, `word` says it."""

    series: str
    what: str
    columns: tuple[ColumnChange, ...]

    @property
    def word(self) -> str:
        """`changed`."""
        return _WORDS[self.what]


@dataclass(frozen=True)
class InsightChange:
    """One entry of a manifest beside that of another release; None where it has none."""

    insight: Any
    before: int | None
    after: int | None

    @property
    def is_numbered(self) -> bool:
        """An insight of ours, not an import's name."""
        return isinstance(self.insight, int)

    @property
    def word(self) -> str:
        """What happens to it."""
        if self.before == self.after:
            return "unchanged"
        if self.before is None:
            return f"in force at revision {self.after}"
        if self.after is None:
            return "no longer in force"
        return f"revision {self.before} → {self.after}"


@dataclass(frozen=True)
class Summary:
    """What a release changed, in short."""

    series: int
    columns: tuple[str, ...]  # labels, most frequent first


def of_release(number: int) -> list[SeriesChange]:
    """What release `number` changed against its parent, by series; two series are two rows of it."""
    return [
        _series(row.series, _old(row), restore(row.values), sources=row.sources)
        for row in _rows([number]).order_by("series")
    ]


def summaries(numbers: Iterable[int]) -> dict[int, Summary]:
    """What each of these releases changed, in short, in one query."""
    series: dict[int, int] = defaultdict(int)
    columns: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in _rows(numbers):
        series[row.release_id] += 1
        for change in _series(row.series, _old(row), restore(row.values)).columns:
            columns[row.release_id][change.label] += change.changed
    return {
        number: Summary(
            series[number],
            tuple(
                label
                for label, n in sorted(columns[number].items(), key=lambda item: (-item[1], item[0]))
                if n
            ),
        )
        for number in numbers
    }


def of_revert(number: int) -> list[SeriesChange]:
    """What a revert to release `number` would change of what is newest now, by series.

    Raises:
        NotFoundError: no such release.
    """
    now = current()
    found = []
    for series, goal in sorted(changes_to(number).items()):
        old = now[series].values if series in now else {}
        found.append(_series(series, old, goal.values if goal else {}, sources=goal.sources if goal else {}))
    return found


def between(a: int, b: int, *, everything: bool = False) -> list[SeriesChange]:
    """Release `a` beside release `b`: what differs, or with `everything` all series with all their columns.

    Raises:
        NotFoundError: one of them does not exist.
    """
    before, after = content_at(a), content_at(b)
    found = []
    for series in sorted(before.keys() | after.keys()):
        old = before[series].values if series in before else {}
        new = after[series].values if series in after else {}
        if everything or old != new:
            found.append(_series(series, old, new, everything=everything))
    return found


def of_insights(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], *, everything: bool = True
) -> list[InsightChange]:
    """Two manifests beside each other, by insight."""
    old = {entry["insight"]: entry.get("revision") for entry in before}
    new = {entry["insight"]: entry.get("revision") for entry in after}
    return [
        InsightChange(insight, old.get(insight), new.get(insight))
        for insight in sorted(old.keys() | new.keys(), key=lambda name: (isinstance(name, str), name))
        if everything or old.get(insight) != new.get(insight)
    ]


def parent_manifest(release: Release) -> list[dict[str, Any]]:
    """The manifest of the release before; nothing before the first."""
    return release.parent.manifest if release.parent else []


def _rows(numbers: Iterable[int]) -> Any:
    """The rows of these releases, each with the values of the row before as `old`."""
    before = ProfileRow.objects.filter(series=OuterRef("series"), version=OuterRef("version") - 1)
    rows = ProfileRow.objects.filter(release__in=list(numbers))
    return rows.annotate(old=Subquery(before.values("values")[:1]))


def _old(row: Any) -> dict[str, Any]:
    return restore(row.old or {})


def _series(
    series: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    everything: bool = False,
) -> SeriesChange:
    names = sorted(old.keys() | new.keys(), key=_order)
    columns = tuple(
        ColumnChange(
            column=name,
            label=wording.label(name),
            before=wording.value(name, old.get(name)),
            after=wording.value(name, new.get(name)),
            changed=old.get(name) != new.get(name),
            sources=((sources[name],) if sources and name in sources else ()),
        )
        for name in names
        if everything or old.get(name) != new.get(name)
    )
    return SeriesChange(series, _what(old, new, known_row=sources is not None), columns)


def _what(old: Mapping[str, Any], new: Mapping[str, Any], *, known_row: bool) -> str:
    if old == new:
        return SOURCES if known_row else SAME
    if not old:
        return NEW
    return CHANGED if new else WITHDRAWN


def _order(column: str) -> tuple[bool, int, str]:
    names = list(wording.COLUMNS)
    return column in _LAST, names.index(column) if column in names else len(names), column
