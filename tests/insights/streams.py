"""Live telemetry for experiments: noise, a harmless burst a day, an incident now and then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.telemetry import reading
from apps.telemetry import services as telemetry
from apps.telemetry.models import OutcomeLabel
from apps.telemetry.registry import ensure_series
from apps.telemetry.sources import Report, SeriesFile

if TYPE_CHECKING:
    from collections.abc import Collection

STEP = timedelta(minutes=10)
STEP_US = STEP // timedelta(microseconds=1)
A_DAY = 144  # samples
LATENCY, ORDERS = "checkout/latency_p99", "cart/latency_p95"
BOTH = {"series": [ORDERS, LATENCY]}
SPARE_BURSTS: list[dict[str, Any]] = [{"kind": "min_effect", "value": {"rel": 1.5}}]


def midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def stream(
    series_id: str,
    start: datetime,
    days: int,
    *,
    bursts: bool = True,
    incidents: Collection[int] = (),
    seed: int = 1,
    height: float = 160,
) -> None:
    """`days` from `start` (a midnight): around 100, with a burst to `height` a day and incidents to 400.

    Bursts come at changing hours, so that no baseline learns them; incidents too, and they are labelled.
    """
    random = np.random.default_rng([seed, len(series_id)])
    values = 100 + random.normal(0, 2, days * A_DAY)
    for day in range(days):
        first = day * A_DAY + int(random.integers(0, 60))
        if bursts:
            values[first : first + 3] = height
        if day in incidents:
            begin = day * A_DAY + 72 + 17 * day % 48  # at changing hours too
            values[begin : begin + 12] = 400
            label(series_id, start + begin * STEP)
    times = reading.to_us(start) + np.arange(days * A_DAY, dtype=np.int64) * (
        STEP // timedelta(microseconds=1)
    )
    report = Report(
        file=series_id, sha256=f"{seed:064x}", rows=len(times), samples=len(times), cadence_s=600.0
    )
    telemetry.import_series(reading=SeriesFile(series_id, times, values, report), by=None, source="test")


def label(series_id: str, start: datetime, **words: object) -> OutcomeLabel:
    values = {"kind": "incident", "source": "test", "end_at": start + 12 * STEP, **words}
    return OutcomeLabel.objects.create(series=ensure_series(series_id), start_at=start, **values)
