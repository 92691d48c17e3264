"""Alerts of made-up services, whose state tells how likely an alert is an incident, or (a null) does not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from apps.ranker.alerts import Alert, alerts_of
from apps.ranker.table import FEATURES, Table, vector

if TYPE_CHECKING:
    from collections.abc import Sequence

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 120
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Phase:
    """From `since` on a service is fragile (most alerts are incidents) or noisy (few are)."""

    since: datetime
    fragile: bool


@dataclass(frozen=True)
class World:
    """Services with their phases, alarms (series, at, score), and when each series had incidents."""

    phases: dict[str, list[Phase]]
    alarms: list[tuple[str, str, float]]
    incidents: dict[str, list[tuple[datetime, datetime]]]

    @property
    def alerts(self) -> list[Alert]:
        return alerts_of(self.alarms)

    def fragile(self, service: str, at: datetime) -> bool:
        return [phase for phase in self.phases[service] if phase.since <= at][-1].fragile

    def table(self, *, as_of: datetime | None = None) -> Table:
        """What a fresh store knows when each alert rings, or, frozen, what it knew at `as_of`."""
        alerts = self.alerts
        rows, labels = [], []
        for alert in alerts:
            fragile = self.fragile(alert.service, as_of or alert.at)
            rows.append(vector(alert, {}, facts_of(fragile=fragile)))
            spans = self.incidents.get(alert.series, [])
            labels.append(any(start <= alert.at <= end for start, end in spans))
        return Table(
            alerts,
            np.array(rows).reshape(len(rows), len(FEATURES)),
            np.array(labels, dtype=np.bool_),
            np.ones(len(rows), dtype=np.int64),
        )


def series_of(service: str) -> str:
    return f"{service}/latency"


def facts_of(*, fragile: bool) -> dict[str, float]:
    """What `service_history` says of a service in this state."""
    return {"incidents_30d": 9, "risk_next_7d": 0.8} if fragile else {"incidents_30d": 1, "risk_next_7d": 0.1}


def world(*, seed: int, services: int = 24, signal: bool = True, a_day: float = 0.8) -> World:
    """Each service changes its state every ten to thirty days; the detector's score says a little."""
    rng = np.random.default_rng(seed)
    phases: dict[str, list[Phase]] = {}
    alarms: list[tuple[str, str, float]] = []
    incidents: dict[str, list[tuple[datetime, datetime]]] = {}
    for number in range(services):
        service = f"svc{number:02d}"
        phases[service] = _phases(rng)
        spans = incidents.setdefault(series_of(service), [])
        for at in _times(rng, int(a_day * DAYS)):
            fragile = [phase for phase in phases[service] if phase.since <= at][-1].fragile
            chance = (0.6 if fragile else 0.06) if signal else 0.25
            happened = bool(rng.random() < chance)
            score = 12 * math.exp(rng.normal(0.25 if happened else 0.0, 0.6))
            alarms.append((series_of(service), at.isoformat(), round(score, 3)))
            if happened:
                spans.append((at - timedelta(minutes=5), at + HOUR))
    return World(phases, alarms, incidents)


def _phases(rng: np.random.Generator) -> list[Phase]:
    found = [Phase(START - timedelta(days=1), bool(rng.random() < 0.4))]
    while (since := found[-1].since + timedelta(days=int(rng.integers(10, 31)))) < START + timedelta(
        days=DAYS
    ):
        found.append(Phase(since, not found[-1].fragile))
    return found


def _times(rng: np.random.Generator, n: int) -> Sequence[datetime]:
    """At least four hours apart, so that each is an alert of its own."""
    slots = np.sort(rng.choice(DAYS * 6, size=n, replace=False))
    return [START + 4 * HOUR * int(slot) + timedelta(minutes=int(rng.integers(0, 50))) for slot in slots]
