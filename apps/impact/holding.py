"""Which part of a series is held out, and which incidents may be counted in it. Reads only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.types import Interval
from apps.evaluation import comparison
from apps.insights import composition
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series

if TYPE_CHECKING:
    from apps.analysis.cases import Case
    from apps.insights.models import Revision


@dataclass(frozen=True)
class HeldOut:
    """A series with the slice that counts, and the incidents around it that do not.

    `sources` of each interval: who labelled it. `own`: in the slice, and what the insight was learnt from.
    """

    case: Case
    sources: dict[Interval, frozenset[str]]
    drills: dict[Interval, frozenset[str]]
    unscored: tuple[Interval, ...]
    own: tuple[Interval, ...]


def held_out(series_id: str, revision: Revision) -> HeldOut | None:
    """What comes after everything that the gate has seen; None where there are fewer than two samples.

    It begins at today's cut, or after the last sample that the deciding backtest saw if that is later: new
    incidents move the cut, and what was seen stays seen. Incidents of the hold-out are counted.
    """
    if not Series.objects.filter(pk=series_id, samples__gt=0).exists():
        return None
    case = _after(_with_hold_out(series_id, comparison.case_of(series_id)), _seen_us(series_id, revision))
    part, cut_us = case.split.test, case.split.cut_us
    if part.last - part.first < 2:  # noqa: PLR2004  # one sample spans no time
        return None
    sources = _sources(series_id, case.split.known)
    own = tuple(one for one in part.incidents if own_source(revision) & sources[one])
    kept = tuple(one for one in part.incidents if one not in own)
    return HeldOut(
        case=replace(case, split=replace(case.split, test=replace(part, incidents=kept))),
        sources=sources,
        drills=_drills(series_id, int(case.telemetry.times[part.first])),
        unscored=tuple(one for one in case.split.known if one.start_us < cut_us <= one.end_us),
        own=own,
    )


def own_source(revision: Revision) -> frozenset[str]:
    """How telemetry names the incident whose postmortem the revision cites; empty without one."""
    postmortem = revision.source_postmortem
    if postmortem is None or postmortem.incident_id is None:
        return frozenset()
    return frozenset({f"incident:{postmortem.incident_id}"})


def _seen_us(series_id: str, revision: Revision) -> int | None:
    """The last sample that the deciding backtest has seen of a series."""
    result = composition.deciding_result(revision)
    seen = result.report.get("series", {}).get(series_id, {}).get("end_us") if result else None
    return None if seen is None else int(seen)


def _after(case: Case, seen_us: int | None) -> Case:
    """The same case, its held-out slice beginning after `seen_us`."""
    split = case.split
    if seen_us is None or seen_us < split.cut_us:
        return case
    first = int(np.searchsorted(case.telemetry.times, seen_us, side="right"))
    later = tuple(one for one in split.test.incidents if one.start_us > seen_us)
    test = replace(split.test, first=max(first, split.test.first), incidents=later)
    return replace(case, split=replace(split, cut_us=seen_us + 1, test=test))


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
    rows = OutcomeLabel.objects.filter(
        series=series_id, kind=OutcomeLabel.Kind.INCIDENT, is_drill=is_drill
    ).values_list("start_at", "end_at", "source")
    found: dict[Interval, set[str]] = defaultdict(set)
    for start, end, source in rows:
        found[Interval(reading.to_us(start), reading.to_us(end))].add(source)
    return {interval: frozenset(names) for interval, names in found.items()}


def _overlap(one: Interval, other: Interval) -> bool:
    return one.start_us <= other.end_us and other.start_us <= one.end_us
