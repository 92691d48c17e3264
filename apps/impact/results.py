"""What a replay found: series by series, incident by incident, and by service and day. Pure: no database."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.analysis.types import DAY_US
from apps.common.canonical import digest
from apps.common.times import iso_us
from apps.evaluation import sightings
from apps.evaluation.sightings import service_of
from apps.telemetry import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.analysis.types import Interval


@dataclass(frozen=True)
class Seen:
    """One incident on one series under both arms: seconds to the first alarm, None: missed.

    `sources`: who labelled it, such as "incident:7".
    """

    series_id: str
    interval: Interval
    before_delay_s: float | None
    after_delay_s: float | None
    sources: frozenset[str] = frozenset()

    @property
    def service(self) -> str:
        return service_of(self.series_id)


@dataclass(frozen=True)
class IncidentResult:
    """One incident, on however many series: caught where any of them caught it, with the smallest delay."""

    seen: tuple[Seen, ...]

    @property
    def service(self) -> str:
        """Of its first series: an incident counts once."""
        return self.seen[0].service

    @property
    def before_delay_s(self) -> float | None:
        return _least(one.before_delay_s for one in self.seen)

    @property
    def after_delay_s(self) -> float | None:
        return _least(one.after_delay_s for one in self.seen)

    @property
    def lost(self) -> bool:
        return self.before_delay_s is not None and self.after_delay_s is None

    @property
    def gained(self) -> bool:
        return self.before_delay_s is None and self.after_delay_s is not None


@dataclass(frozen=True)
class SeriesResult:
    """One series. `counted_at`: when each false alarm of either arm is counted, in microseconds.

    `incidents` are those of its held-out part; the other three were left out: rehearsals, incidents across
    the cut, and the incident that the insight was learnt from.
    """

    series_id: str
    held_out_us: int
    counted_at: tuple[list[int], list[int]]
    incidents: list[Seen]
    drills: list[Seen]
    unscored: list[Seen]
    own: list[Seen]
    split_hash: str
    data_hash: str

    @property
    def false_alarms(self) -> tuple[int, int]:
        return len(self.counted_at[0]), len(self.counted_at[1])

    def as_dict(self) -> dict[str, Any]:
        """The row of the replay page and of the download."""
        before, after = self.false_alarms
        return {
            "held_out_days": round(self.held_out_us / DAY_US, 3),
            "false_alarms": {"before": before, "after": after},
            "counted_at": {
                "before": [_moment(at) for at in self.counted_at[0]],
                "after": [_moment(at) for at in self.counted_at[1]],
            },
            "incidents": [
                {
                    "start": _moment(one.interval.start_us),
                    "end": _moment(one.interval.end_us),
                    "delay_s": {"before": one.before_delay_s, "after": one.after_delay_s},
                }
                for one in self.incidents
            ],
            "caught": {
                "before": sum(one.before_delay_s is not None for one in self.incidents),
                "after": sum(one.after_delay_s is not None for one in self.incidents),
            },
            "excluded": {
                "drills": len(self.drills),
                "unscored": len(self.unscored),
                "own_incident": len(self.own),
            },
            "split_hash": self.split_hash,
        }


@dataclass(frozen=True)
class Block:
    """One service on one day (UTC): the false alarms of all its series under either arm."""

    service: str
    day: str
    before: int
    after: int


@dataclass(frozen=True)
class Measurement:
    """Every series of an insight's scope that has a held-out part."""

    series: list[SeriesResult]
    empty: list[str]
    seconds: float

    @property
    def blocks(self) -> list[Block]:
        """The service-days with a false alarm; their sums are the false alarms that are shown."""
        counts: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
        for one in self.series:
            for arm, moments in enumerate(one.counted_at):
                for at in moments:
                    counts[service_of(one.series_id), at // DAY_US][arm] += 1
        return [
            Block(service, _moment(day * DAY_US)[:10], before, after)
            for (service, day), (before, after) in sorted(counts.items())
        ]

    @property
    def incidents(self) -> list[IncidentResult]:
        """Every held-out incident once."""
        return once(one for series in self.series for one in series.incidents)

    @property
    def gained(self) -> int:
        return sum(one.gained for one in self.incidents)

    @property
    def lost(self) -> int:
        return sum(one.lost for one in self.incidents)

    @property
    def false_alarms(self) -> tuple[int, int]:
        return sum(one.false_alarms[0] for one in self.series), sum(
            one.false_alarms[1] for one in self.series
        )

    @property
    def recall_differences(self) -> list[float]:
        """Share of incidents caught, after - before, of each service that has a held-out incident."""
        moves: dict[str, list[int]] = defaultdict(list)
        for one in self.incidents:
            moves[one.service].append(one.gained - one.lost)
        return [sum(found) / len(found) for _, found in sorted(moves.items())]

    @property
    def days(self) -> float:
        """Held-out days of all series together."""
        return sum(one.held_out_us for one in self.series) / DAY_US

    @property
    def longest_days(self) -> float:
        return max((one.held_out_us for one in self.series), default=0) / DAY_US

    @property
    def delay_differences(self) -> list[float]:
        """After - before by incident in seconds; -inf: seen by the second arm alone, +inf: by the first."""
        found = []
        for one in self.incidents:
            before, after = one.before_delay_s, one.after_delay_s
            if before is not None or after is not None:
                found.append(
                    (math.inf if after is None else after) - (math.inf if before is None else before)
                )
        return found

    @property
    def excluded(self) -> dict[str, int]:
        """Incidents that were left out, each once, by reason."""
        return {
            "drills": len(once(one for series in self.series for one in series.drills)),
            "unscored": len(once(one for series in self.series for one in series.unscored)),
            "own_incident": len(once(one for series in self.series for one in series.own)),
        }

    @property
    def split_hash(self) -> str:
        return digest({one.series_id: one.split_hash for one in self.series})

    @property
    def data_hash(self) -> str:
        """Of the samples of every series that was replayed."""
        return digest({one.series_id: one.data_hash for one in self.series})


def once(seen: Iterable[Seen]) -> list[IncidentResult]:
    """What several series saw of one incident, together (see `sightings`)."""
    return [IncidentResult(tuple(group)) for group in sightings.together(seen)]


def _least(delays: Iterable[float | None]) -> float | None:
    return min((delay for delay in delays if delay is not None), default=None)


def _moment(at_us: int) -> str:
    return iso_us(reading.from_us(at_us))
