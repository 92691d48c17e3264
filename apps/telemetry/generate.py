"""Telemetry of a shop that does not exist: seeded, labelled, with lessons in it to be learnt.

A series is level * (daily and weekly shape) * (1 + noise) * (1 + events), in its own unit. Incidents and
harmless bursts are events of a stated relative height, so what tells them apart is known. Nothing here
depends on the clock: the same shop, end and seed give the same arrays.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apps.analysis.types import DAY_US, HOUR_US, MINUTE_US, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CADENCE_US = 5 * MINUTE_US
DAYS = 28
INCIDENT_DAYS = (8.0, 12.0, 19.0, 24.0)
"""Days of the incidents, of which two come before the middle: a gate needs some to learn from."""
FIRST_BURST_DAY = 3
KEEP_APART_US = 8 * HOUR_US
PEAK_HOUR = 15.0


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a series now and then: `height` relative to the level (negative: a drop), in minutes.

    A `slow` event climbs to its height by steps too small to be noticed; others are there at once.
    """

    height: float
    minutes: int
    slow: bool = False


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """`daily`, `noise` are shares of `level`; `weekend` multiplies; bursts come in `burst_share` of days."""

    service: str
    metric: str
    unit: str
    level: float
    incident: Event
    burst: Event | None = None
    burst_share: float = 0.45
    daily: float = 0.08
    weekend: float = 0.96
    noise: float = 0.03
    highest: float | None = None

    @property
    def series_id(self) -> str:
        return f"{self.service}/{self.metric}"


SHOP: tuple[SeriesSpec, ...] = (
    # The settlement batch: it raises latency for a while in many a night, and hurts nobody.
    SeriesSpec("checkout", "latency_p99", "ms", 180.0, Event(3.6, 50), Event(0.6, 40)),
    # A campaign raises orders; an outage drops them.
    SeriesSpec("checkout", "orders_per_min", "1/min", 420.0, Event(-0.8, 60), Event(0.8, 60)),
    # At night a batch of refunds is answered from a cache: fast, and no finding.
    SeriesSpec("payments", "latency_p99", "ms", 320.0, Event(2.2, 45), Event(-0.7, 30)),
    # A retry storm of the bank: small beside a failure.
    SeriesSpec("payments", "error_rate", "%", 0.6, Event(6.0, 40), Event(0.9, 30), noise=0.04),
    # Harmless bursts are short, failures are not.
    SeriesSpec("payments", "queue_depth", "jobs", 50.0, Event(3.0, 90), Event(2.6, 15), noise=0.05),
    SeriesSpec("cart", "requests_per_s", "1/s", 900.0, Event(-0.75, 50), Event(0.7, 45)),
    SeriesSpec("cart", "latency_p95", "ms", 90.0, Event(2.0, 40)),
    SeriesSpec("search", "latency_p95", "ms", 140.0, Event(2.6, 60), Event(0.6, 50)),
    SeriesSpec("search", "cache_hit_ratio", "", 0.72, Event(-0.6, 45), daily=0.03, noise=0.015, highest=1.0),
    # A leak that fills up too slowly for any baseline: only a limit sees it.
    SeriesSpec("warehouse", "db_connections", "", 55.0, Event(0.7, 4320, slow=True), daily=0.05, noise=0.02),
    SeriesSpec("warehouse", "jobs_waiting", "jobs", 30.0, Event(4.0, 60), Event(1.0, 40), noise=0.05),
)


@dataclass(frozen=True, slots=True)
class Generated:
    """One series: `times` (n,) int64 microseconds, `values` (n,) float64, and what happened in it."""

    series_id: str
    unit: str
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    incidents: list[Interval]
    benign: list[Interval]


def generate(shop: Sequence[SeriesSpec] = SHOP, *, end_us: int, seed: int = 1) -> list[Generated]:
    """The last `DAYS` days before `end_us` (microseconds since 1970, cut to the cadence) of every series."""
    return [_series(spec, end_us - end_us % CADENCE_US, seed) for spec in shop]


def _series(spec: SeriesSpec, end_us: int, seed: int) -> Generated:
    # A stream of its own for each series: adding one to the shop changes no other.
    random = np.random.default_rng([seed, zlib.crc32(spec.series_id.encode())])
    steps = np.arange(DAYS * DAY_US // CADENCE_US, dtype=np.int64)
    start_us = end_us - DAYS * DAY_US
    times = start_us + steps * CADENCE_US
    incidents = [
        _span(start_us + int((day + random.uniform(0, 0.5)) * DAY_US), spec.incident) for day in INCIDENT_DAYS
    ]
    benign = _bursts(spec, start_us, incidents, random)
    effect = np.zeros(len(times))
    for interval in incidents:
        effect += _effect(times, interval, spec.incident, random)
    for interval in benign:
        effect += _effect(times, interval, spec.burst or spec.incident, random)
    values = (
        spec.level
        * _shape(spec, times)
        * (1 + spec.noise * random.standard_normal(len(times)))
        * (1 + effect)
    )
    values = np.clip(values, 0.0, spec.highest)
    return Generated(spec.series_id, spec.unit, times, np.round(values, 4), incidents, benign)


def _shape(spec: SeriesSpec, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """The day's wave and the quieter weekend, without unit."""
    hour = (times % DAY_US) / HOUR_US
    # 1970-01-01 was a Thursday: days 2 and 3 of each week since then are the weekend.
    weekend = np.isin((times // DAY_US) % 7, (2, 3))
    wave = 1 + spec.daily * np.cos((hour - PEAK_HOUR) / 24 * 2 * np.pi)
    return np.asarray(wave * np.where(weekend, spec.weekend, 1.0), dtype=np.float64)


def _span(start_us: int, event: Event) -> Interval:
    start_us -= start_us % CADENCE_US
    return Interval(start_us=start_us, end_us=start_us + event.minutes * MINUTE_US)


def _bursts(
    spec: SeriesSpec, start_us: int, incidents: list[Interval], random: np.random.Generator
) -> list[Interval]:
    """Harmless bursts in some nights, at changing hours, so that no daily baseline learns them."""
    if spec.burst is None:
        return []
    found = []
    for day in range(FIRST_BURST_DAY, DAYS):
        happens = random.uniform() < spec.burst_share
        interval = _span(start_us + day * DAY_US + int(random.uniform(0, 5) * HOUR_US), spec.burst)
        apart = all(
            interval.start_us > other.end_us + KEEP_APART_US
            or interval.end_us < other.start_us - KEEP_APART_US
            for other in incidents
        )
        if happens and apart:
            found.append(interval)
    return found


def _effect(
    times: NDArray[np.int64], interval: Interval, event: Event, random: np.random.Generator
) -> NDArray[np.float64]:
    """The relative change that an event makes; heights differ by a tenth from one to the next."""
    within = (times >= interval.start_us) & (times < interval.end_us)
    height = event.height * random.uniform(0.95, 1.05)
    progress = (times - interval.start_us) / max(interval.end_us - interval.start_us, 1)
    return np.where(within, height * (progress if event.slow else 1.0), 0.0)
