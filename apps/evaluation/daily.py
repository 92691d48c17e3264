"""Two vectors on live telemetry, service by service and day by day (UTC): what either alarms of and catches.

Made for telemetry that goes on arriving: a day is counted by itself, from its own samples and what the
detector needs of those before, so that yesterday is never counted again. The definitions are those of every
replay (`analysis.accounting`). Labels of drills and of the hold-out do not exist here, and what lies in a
protected window does not count: alarms of either way that are counted in it, and incidents that begin in it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from apps.analysis import detector, grid
from apps.analysis.accounting import Scorer
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES, Slice, data_hash, divide
from apps.analysis.types import DAY_US, Telemetry
from apps.catalog import windows
from apps.common.canonical import digest
from apps.telemetry import reading
from apps.telemetry.models import Series

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from apps.analysis.types import Bools, Interval, Times
    from apps.catalog.models import ProtectedWindow

    Vector: TypeAlias = Mapping[str, object]
    Arms: TypeAlias = Mapping[str, tuple[Vector, Vector]]

ONE_DAY = timedelta(days=1)
SETTLE = timedelta(days=1)
"""How long a day is left alone after its end: labels and late samples come meanwhile."""
LOOK_BACK = timedelta(days=42)
"""Samples before a day that the detector is given: four weeks of slots, a week of scale, and some room."""
EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class ServiceDay:
    """One service on one day: sums over its series, and over its incidents, each once.

    `samples` counted, `paused` left out by a protected window. `false_*`: false alarms. An incident belongs
    to the day on which it begins, and is caught where any series catches it; `gained` only after, `lost` only
    before. `data_hash`: SHA-256 of samples, labels and both vectors.
    """

    service: str
    day: date
    samples: int
    paused: int
    false_before: int
    false_after: int
    incidents: int
    gained: int
    lost: int
    data_hash: str


@dataclass(frozen=True)
class Incident:
    """What one series saw of one labelled interval, under both arms."""

    interval: Interval
    before: bool
    after: bool


@dataclass(frozen=True, eq=False)
class _Run:
    """One series replayed: when each arm's false alarms are counted, and what it saw of incidents."""

    telemetry: Telemetry
    counted_at: tuple[Times, Times]
    incidents: list[Incident]
    windows: list[ProtectedWindow]
    vectors: tuple[Vector, Vector]


def ripe(start: datetime, end: datetime, now: datetime) -> list[date]:
    """The days (UTC) of [start, end), cut off at both ends, that are over and were left to `SETTLE`."""
    days: list[date] = []
    begins = datetime.combine(start.astimezone(UTC).date(), time.min, UTC)
    while begins < end and min(begins + ONE_DAY, end) + SETTLE <= now:
        days.append(begins.date())
        begins += ONE_DAY
    return days


def service_days(
    arms: Arms, wanted: Mapping[str, Collection[date]], *, start: datetime, end: datetime
) -> list[ServiceDay]:
    """The wanted days of each service that have samples in [start, end) (UTC); others are left out.

    `arms`: both vectors of every series, the first is before.
    """
    by_service: dict[str, list[str]] = defaultdict(list)
    for series_id in sorted(arms):
        by_service[series_id.partition("/")[0]].append(series_id)
    found = []
    for service, days in sorted(wanted.items()):
        if days and by_service[service]:
            protected = windows.of([service])
            runs = {name: _run(name, arms[name], days, protected) for name in by_service[service]}
            found += _days(service, {name: run for name, run in runs.items() if run}, days, (start, end))
    return found


def _run(
    series_id: str, vectors: tuple[Vector, Vector], days: Collection[date], protected: list[ProtectedWindow]
) -> _Run | None:
    first = reading.from_us(_day_us(min(days)))
    last = reading.from_us(_day_us(max(days)) + DAY_US)
    if not Series.objects.filter(pk=series_id, samples__gt=0, last_at__gte=first).exists():
        return None
    telemetry = reading.read(series_id, first - LOOK_BACK, last + SETTLE)
    if not len(telemetry):
        return None
    split = divide(telemetry, reading.labels(series_id), GENERAL_RULES)
    scorer = Scorer.build(telemetry.times, split.known, split.tolerance_us, split.known)
    whole = Slice(0, len(telemetry), split.known)
    prepared = detector.prepare(telemetry)
    rows = [grid.alarm_rows(prepared, apply(DEFAULT_SETTING, vector), whole) for vector in vectors]
    delays = [scorer.delays(each) for each in rows]
    return _Run(
        telemetry=telemetry,
        counted_at=(scorer.false_alarms_at(rows[0]), scorer.false_alarms_at(rows[1])),
        incidents=[
            Incident(interval, before is not None, after is not None)
            for interval, before, after in zip(scorer.incidents, *delays, strict=True)
        ],
        windows=protected,
        vectors=vectors,
    )


def _days(
    service: str, runs: Mapping[str, _Run], days: Collection[date], span: tuple[datetime, datetime]
) -> list[ServiceDay]:
    incidents = _once([one for run in runs.values() for one in run.incidents])
    protected = next(iter(runs.values())).windows if runs else []
    found = []
    for day in sorted(days):
        low = max(_day_us(day), reading.to_us(span[0]))
        high = min(_day_us(day) + DAY_US, reading.to_us(span[1]))
        own = [one for one in incidents if low <= one.interval.start_us < high]
        free = _free(np.array([one.interval.start_us for one in own], dtype=np.int64), protected)
        own = [one for one, counts in zip(own, free, strict=True) if counts]
        counted = _counted(service, day, runs, own, (low, high))
        if counted is not None:
            found.append(counted)
    return found


def _counted(
    service: str, day: date, runs: Mapping[str, _Run], incidents: list[Incident], span: tuple[int, int]
) -> ServiceDay | None:
    false, samples, paused = [0, 0], 0, 0
    for run in runs.values():
        times = run.telemetry.times[_within(run.telemetry.times, span)]
        free = int(_free(times, run.windows).sum())
        samples, paused = samples + free, paused + times.size - free
        for arm, moments in enumerate(run.counted_at):
            false[arm] += int(_free(moments[_within(moments, span)], run.windows).sum())
    if not samples + paused:
        return None
    return ServiceDay(
        service=service,
        day=day,
        samples=samples,
        paused=paused,
        false_before=false[0],
        false_after=false[1],
        incidents=len(incidents),
        gained=sum(one.after and not one.before for one in incidents),
        lost=sum(one.before and not one.after for one in incidents),
        data_hash=_hash(runs, incidents, span),
    )


def _once(seen: list[Incident]) -> list[Incident]:
    """Intervals of one service that overlap are one incident, caught where any of them was."""
    merged: list[Incident] = []
    for one in sorted(seen, key=lambda each: each.interval):
        last = merged[-1] if merged else None
        if last is not None and one.interval.start_us <= last.interval.end_us:
            end = max(last.interval.end_us, one.interval.end_us)
            merged[-1] = Incident(
                type(one.interval)(last.interval.start_us, end),
                last.before or one.before,
                last.after or one.after,
            )
        else:
            merged.append(one)
    return merged


def _hash(runs: Mapping[str, _Run], incidents: list[Incident], span: tuple[int, int]) -> str:
    series = {}
    for name, run in sorted(runs.items()):
        inside = _within(run.telemetry.times, span)
        slice_ = Telemetry(run.telemetry.times[inside], run.telemetry.values[inside])
        series[name] = [data_hash(slice_), *(dict(vector) for vector in run.vectors)]
    labels = [[one.interval.start_us, one.interval.end_us] for one in incidents]
    return digest({"span": list(span), "series": series, "incidents": labels})


def _within(times: Times, span: tuple[int, int]) -> Bools:
    return np.asarray((times >= span[0]) & (times < span[1]), dtype=np.bool_)


def _free(times: Times, protected: list[ProtectedWindow]) -> Bools:
    return ~windows.mask(protected, times)


def _day_us(day: date) -> int:
    return (day - EPOCH_DAY).days * DAY_US
