"""Which part of a stored series is held out, and which incidents may be counted in it. Reads only.

The held-out part begins at today's cut, or after the last sample that anything was learnt from if that is
later: new incidents move the cut, and what was seen stays seen. Incidents of the hold-out are counted, drills
never, nor the incidents that a lesson under test was learnt from.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.types import Interval
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series

from . import comparison
from .windows import Window

if TYPE_CHECKING:
    from apps.analysis.cases import Case

EVERYTHING = Window()


@dataclass(frozen=True)
class HeldOut:
    """A series with the slice that counts, and the incidents around it that do not.

    `sources` of each interval: who labelled it. `own`: in the slice, and what a lesson was learnt from.
    """

    case: Case
    sources: dict[Interval, frozenset[str]]
    drills: dict[Interval, frozenset[str]]
    unscored: tuple[Interval, ...]
    own: tuple[Interval, ...]


def held_out(
    series_id: str,
    *,
    seen_us: int | None = None,
    own: frozenset[str] = frozenset(),
    window: Window = EVERYTHING,
) -> HeldOut | None:
    """The part of a series that nothing was learnt from; None where fewer than two samples are left.

    `seen_us`: the last sample that a gate has seen. `own`: names of the incidents ("incident:7") that the
    lessons were learnt from. `window` narrows the part further.
    """
    if not Series.objects.filter(pk=series_id, samples__gt=0).exists():
        return None
    case = _within(_after(_with_hold_out(series_id, comparison.case_of(series_id)), seen_us), window)
    part, cut_us = case.split.test, case.split.cut_us
    if part.last - part.first < 2:  # noqa: PLR2004  # one sample spans no time
        return None
    sources = _sources(series_id, case.split.known)
    learnt = tuple(one for one in part.incidents if own & sources[one])
    kept = tuple(one for one in part.incidents if one not in learnt)
    return HeldOut(
        case=replace(case, split=replace(case.split, test=replace(part, incidents=kept))),
        sources=sources,
        drills=_drills(series_id, int(case.telemetry.times[part.first])),
        unscored=tuple(one for one in case.split.known if one.start_us < cut_us <= one.end_us),
        own=learnt,
    )


def _after(case: Case, seen_us: int | None) -> Case:
    """The same case, its held-out slice beginning after `seen_us`."""
    split = case.split
    if seen_us is None or seen_us < split.cut_us:
        return case
    first = int(np.searchsorted(case.telemetry.times, seen_us, side="right"))
    later = tuple(one for one in split.test.incidents if one.start_us > seen_us)
    test = replace(split.test, first=max(first, split.test.first), incidents=later)
    return replace(case, split=replace(split, cut_us=seen_us + 1, test=test))


def _within(case: Case, window: Window) -> Case:
    """The same case, its held-out slice cut to a window; an incident across an edge is in no slice."""
    split, times = case.split, case.telemetry.times
    test = split.test
    if window.from_us is not None and window.from_us > split.cut_us:
        first = int(np.searchsorted(times, window.from_us, side="left"))
        later = tuple(one for one in test.incidents if one.start_us >= window.from_us)
        test = replace(test, first=max(first, test.first), incidents=later)
        split = replace(split, cut_us=window.from_us)
    if window.to_us is not None:
        last = int(np.searchsorted(times, window.to_us, side="right"))
        earlier = tuple(one for one in test.incidents if one.end_us <= window.to_us)
        test = replace(test, last=max(min(last, test.last), test.first), incidents=earlier)
    return replace(case, split=replace(split, test=test))


def _with_hold_out(series_id: str, case: Case) -> Case:
    """The same cut, with the incidents of the hold-out known as well, and counted in the held-out part."""
    split = case.split
    secret = [
        label
        for label in reading.labels(series_id, include_holdout=True)
        if not any(_overlap(label, one) for one in split.known)
        and len(case.telemetry)
        and label.end_us >= int(case.telemetry.times[0])
        and label.start_us <= int(case.telemetry.times[-1])
    ]
    if not secret:
        return case
    later = [label for label in secret if label.start_us >= split.cut_us]
    test = replace(split.test, incidents=tuple(sorted([*split.test.incidents, *later])))
    return replace(case, split=replace(split, test=test, known=tuple(sorted([*split.known, *secret]))))


def _sources(series_id: str, known: tuple[Interval, ...]) -> dict[Interval, frozenset[str]]:
    """Who labelled each interval; several labels close together are one interval."""
    found = _labels(series_id, is_drill=False)
    return {
        interval: frozenset().union(*(names for label, names in found.items() if _overlap(label, interval)))
        for interval in known
    }


def _drills(series_id: str, start_us: int) -> dict[Interval, frozenset[str]]:
    found = _labels(series_id, is_drill=True)
    return {interval: names for interval, names in found.items() if interval.end_us >= start_us}


def _labels(series_id: str, *, is_drill: bool) -> dict[Interval, frozenset[str]]:
    rows = (
        OutcomeLabel.objects.trusted()
        .filter(series=series_id, kind=OutcomeLabel.Kind.INCIDENT, is_drill=is_drill)
        .values_list("start_at", "end_at", "source")
    )
    found: dict[Interval, set[str]] = defaultdict(set)
    for start, end, source in rows:
        found[Interval(reading.to_us(start), reading.to_us(end))].add(source)
    return {interval: frozenset(names) for interval, names in found.items()}


def _overlap(one: Interval, other: Interval) -> bool:
    return one.start_us <= other.end_us and other.start_us <= one.end_us
