"""Small series with known truth, for the tests of this room and of evaluation."""

from __future__ import annotations

import numpy as np

from apps.analysis.types import MINUTE_US, SECOND_US, Interval, Telemetry

START_US = 1_704_067_200 * SECOND_US  # 2024-01-01T00:00:00Z, a Monday


def series(values, *, cadence_us=5 * MINUTE_US, start_us=START_US):
    """Regular telemetry of the given values."""
    values = np.asarray(values, dtype=np.float64)
    return Telemetry(start_us + np.arange(values.size, dtype=np.int64) * cadence_us, values)


def calm(rows, *, seed=1, level=100.0, noise=1.0):
    """Normal noise around a level."""
    return level + noise * np.random.default_rng(seed).standard_normal(rows)


def at(telemetry, first, last):
    """The interval from row `first` to row `last`."""
    return Interval(int(telemetry.times[first]), int(telemetry.times[last]))


def noisy_series(*, seed=1, days=20, incidents=6, benign=20):
    """5-minute data in which incidents are long dips and false alarms are single spikes upwards.

    Rows of incidents are spread evenly. Returns telemetry and labels.
    """
    rng = np.random.default_rng(seed)
    rows = days * 288
    values = calm(rows, seed=seed)
    labels = []
    for position in np.linspace(3 * 288, rows - 288, incidents).astype(int):
        values[position : position + 12] -= 30
        labels.append((position, position + 11))
    for position in rng.choice(np.arange(2 * 288, rows - 5), size=benign, replace=False):
        if all(abs(position - first) > 60 for first, _ in labels):
            values[position] += 60
    telemetry = series(values)
    return telemetry, [at(telemetry, first, last) for first, last in labels]
