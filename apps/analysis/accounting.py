"""What counts: incidents detected, false-alarm episodes, monitored time and what follows from them.

Definitions (the block is always one series over one slice of time):

- **incident**: a labelled interval; labels closer than the merge gap are one incident.
- **detected**: at least one alarm sample in [start, end + tolerance].
- **false-alarm episode**: alarm samples outside every incident, merged while gaps are at most the
  cool-down, counted once and again for every 24 h that they stay on. Samples within the cool-down after an
  incident are its tail.
- **utility** U = TP - lambda * FP: at lambda .2 five false pages cost one missed incident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .types import DAY_US, HOUR_US, Bools, Interval, Ints, Times

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COOL_DOWN_US = 3 * HOUR_US
RECOUNT_US = DAY_US


@dataclass(frozen=True)
class Counts:
    """Sums over one slice; adding two adds the slices. `delays_s` holds one entry per detected incident.

    `censored_s` holds, for each missed incident, how long it was watched in vain: up to the end of its
    tolerance.
    """

    incidents: int = 0
    detected: int = 0
    false_alarms: int = 0
    monitored_us: int = 0
    delays_s: tuple[float, ...] = field(default=(), repr=False)
    censored_s: tuple[float, ...] = field(default=(), repr=False)

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.incidents + other.incidents,
            self.detected + other.detected,
            self.false_alarms + other.false_alarms,
            self.monitored_us + other.monitored_us,
            self.delays_s + other.delays_s,
            self.censored_s + other.censored_s,
        )

    def utility(self, lam: float) -> float:
        """U = TP - lam * FP."""
        return self.detected - lam * self.false_alarms


def total(counts: Iterable[Counts]) -> Counts:
    """The sum over series."""
    result = Counts()
    for one in counts:
        result = result + one
    return result


def merge(labels: Iterable[Interval], gap_us: int) -> list[Interval]:
    """Labels in order of time, those that overlap, touch or lie closer than `gap_us` as one."""
    merged: list[Interval] = []
    for label in sorted(labels):
        if merged and (label.start_us <= merged[-1].end_us or label.start_us - merged[-1].end_us < gap_us):
            merged[-1] = Interval(merged[-1].start_us, max(merged[-1].end_us, label.end_us))
        else:
            merged.append(label)
    return merged


def monitored_us(times: Times) -> int:
    """Time from the first to the last sample; silences in between count, the service was there."""
    return int(times[-1] - times[0]) if times.size else 0


@dataclass(frozen=True, eq=False)
class Scorer:
    """One slice of one series, ready to count the alarms of many settings.

    `times` (n,) of the scored samples; `incident_of` (n,) the incident whose window holds the sample, -1
    for none; `outside` (n,) whether an alarm there is false (in no incident and in no tail).
    """

    times: Times
    incidents: tuple[Interval, ...]
    tolerance_us: int
    watched_us: int
    incident_of: Ints
    outside: Bools

    @classmethod
    def build(
        cls, times: Times, incidents: Sequence[Interval], tolerance_us: int, known: Sequence[Interval]
    ) -> Scorer:
        """`incidents` are scored; `known` are all of the series: an alarm in one of those is never false.

        `incidents` are merged; where one's tolerance reaches into the next, the sample is the later one's.
        """
        outside = np.ones(times.size, dtype=np.bool_)
        for interval in known:
            outside[_span(times, interval.start_us, interval.end_us + max(tolerance_us, COOL_DOWN_US))] = (
                False
            )
        incident_of = np.full(times.size, -1, dtype=np.int64)
        for number, interval in enumerate(incidents):
            incident_of[_span(times, interval.start_us, interval.end_us + tolerance_us)] = number
        return cls(times, tuple(incidents), tolerance_us, monitored_us(times), incident_of, outside)

    def hits(self, alarm_rows: Ints) -> Ints:
        """Numbers of the incidents with an alarm among the rows (of the slice, increasing)."""
        found = np.unique(self.incident_of[alarm_rows])
        return found[found >= 0]

    def false_alarms(self, alarm_rows: Ints) -> int:
        """False-alarm episodes among the rows."""
        return count_episodes(self.times[alarm_rows[self.outside[alarm_rows]]])

    def false_alarms_at(self, alarm_rows: Ints) -> Times:
        """When each of the false alarms is counted; as many as `false_alarms` says."""
        return counted_at(self.times[alarm_rows[self.outside[alarm_rows]]])

    def false_episodes(self, alarm_rows: Ints) -> list[Interval]:
        """The false-alarm episodes among the rows, each from its first to its last alarm."""
        return episodes(self.times[alarm_rows[self.outside[alarm_rows]]])

    def delays(self, alarm_rows: Ints) -> tuple[float | None, ...]:
        """Seconds from the start of each incident to its first alarm; None where there is none."""
        found = self.incident_of[alarm_rows]
        first_rows = [alarm_rows[found == number][:1] for number in range(len(self.incidents))]
        return tuple(
            max(0.0, float(self.times[rows[0]] - incident.start_us) / 1e6) if rows.size else None
            for rows, incident in zip(first_rows, self.incidents, strict=True)
        )

    def counts(self, alarm_rows: Ints) -> Counts:
        """Everything, delays included."""
        delays = self.delays(alarm_rows)
        found = tuple(delay for delay in delays if delay is not None)
        missed = tuple(
            (incident.end_us + self.tolerance_us - incident.start_us) / 1e6
            for incident, delay in zip(self.incidents, delays, strict=True)
            if delay is None
        )
        return Counts(
            incidents=len(self.incidents),
            detected=len(found),
            false_alarms=self.false_alarms(alarm_rows),
            monitored_us=self.watched_us,
            delays_s=found,
            censored_s=missed,
        )


def episodes(times: Times, gap_us: int = COOL_DOWN_US) -> list[Interval]:
    """Runs of increasing times with gaps of at most `gap_us`, each from its first to its last time."""
    if times.size == 0:
        return []
    cut = np.flatnonzero(np.diff(times) > gap_us)
    starts = times[np.concatenate([[0], cut + 1])]
    ends = times[np.concatenate([cut, [times.size - 1]])]
    return [Interval(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def apart(these: Sequence[Interval], others: Sequence[Interval]) -> list[Interval]:
    """Intervals of the first list that lie farther than the cool-down from all of the second."""
    return [
        one
        for one in these
        if not any(
            one.start_us <= other.end_us + COOL_DOWN_US and other.start_us <= one.end_us + COOL_DOWN_US
            for other in others
        )
    ]


def count_episodes(times: Times) -> int:
    """False-alarm episodes of alarm times: one per run, and one more for every full 24 h that it stays on."""
    return int(_runs(times)[1].sum())


def counted_at(times: Times) -> Times:
    """When each of these episodes is counted: at the start of its run, and every 24 h while it stays on."""
    starts, numbers = _runs(times)
    repeats = np.arange(int(numbers.sum())) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    return np.asarray(np.repeat(starts, numbers) + repeats * RECOUNT_US, dtype=np.int64)


def episodes_by_group(times: Times, group: Ints) -> tuple[Ints, Ints]:
    """Of each run of alarm times its group, and how many episodes it counts; times increase in each group."""
    if times.size == 0:
        return group, np.zeros(0, dtype=np.int64)
    cut = np.flatnonzero((np.diff(times) > COOL_DOWN_US) | (np.diff(group) != 0))
    first, last = np.append(0, cut + 1), np.append(cut, times.size - 1)
    return group[first], 1 + (times[last] - times[first]) // RECOUNT_US


def _runs(times: Times) -> tuple[Times, Ints]:
    """Start of each run of alarm times, and how many episodes it counts."""
    if times.size == 0:
        return times, np.zeros(0, dtype=np.int64)
    cut = np.flatnonzero(np.diff(times) > COOL_DOWN_US)
    starts = times[np.append(0, cut + 1)]
    return starts, 1 + (times[np.append(cut, times.size - 1)] - starts) // RECOUNT_US


def median_delay_s(delays_s: Sequence[float], censored_s: Sequence[float]) -> float | None:
    """Kaplan-Meier median of the time to detect, missed incidents right-censored; None where not reached.

    A missed incident was watched to the end of its window and proves no more; and a time at which half of the
    incidents are not detected does not exist when fewer than half ever are, so then too there is no median.
    Source: Kaplan and Meier (1958).
    """
    total_count = len(delays_s) + len(censored_s)
    if total_count == 0 or 2 * len(delays_s) < total_count:
        return None
    survival = 1.0
    for moment in sorted(set(delays_s)):
        at_risk = sum(1 for delay in (*delays_s, *censored_s) if delay >= moment)
        survival *= 1.0 - sum(1 for delay in delays_s if delay == moment) / at_risk
        if survival <= 0.5 + 1e-12:
            return moment
    return None


def _span(times: Times, start_us: int, end_us: int) -> slice:
    return slice(
        int(np.searchsorted(times, start_us, side="left")), int(np.searchsorted(times, end_us, side="right"))
    )
