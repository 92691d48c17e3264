"""The training table: a row for each alert, with what was known when it rang."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from .alerts import labels_of
from .client import LABEL_ROWS
from .errors import RankerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from apps.analysis.types import Bools, Floats

    from .alerts import Alert
    from .client import Server

PROFILES, HISTORY, LABELS = "detection", "service_history", "incident_label"
SETTLE = timedelta(days=1)
OF_ALERT = ("score_log", "hour", "weekday", "alerts_7d", "since_last_log")
OF_PROFILE = (
    "theta_log2", "min_rel", "min_abs", "persist_k", "persist_n", "hard_lo", "hard_hi",
    "n_incidents", "n_benign", "peak_min_log", "peak_med_log", "dur_med_s", "dir_mean", "benign_peak_q90_log",
    "benign_same_hour", "precision_past", "confidence",
)  # fmt: skip
OF_HISTORY = (
    "incidents_7d", "incidents_30d", "incidents_90d", "n_incidents", "repeat_share", "human_detected_share",
    "change_induced_share", "n_reviews", "open_actions", "risk_next_7d",
)  # fmt: skip
# How far the first alarm stands above what incidents, and harmless bursts, of the series showed.
DERIVED = ("above_incident_peak", "above_benign_peak")
FEATURES = (*OF_ALERT, *OF_PROFILE, *(f"service_{name}" for name in OF_HISTORY), *DERIVED)


@dataclass(frozen=True)
class Table:
    """Rows by time: `alerts` (n), `features` (n, n_features), `labels` (n), `releases` (n; 0: none)."""

    alerts: list[Alert]
    features: Floats
    labels: Bools
    releases: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.alerts)

    @property
    def services(self) -> NDArray[np.str_]:
        """The service of every row: the blocks of a comparison."""
        return np.array([alert.service for alert in self.alerts])

    @property
    def scores(self) -> Floats:
        """The detector's score of every row: the ranking without any model."""
        return np.array([alert.score for alert in self.alerts])

    def part(self, rows: Bools) -> Table:
        """Only these rows (n,)."""
        kept = [alert for alert, keep in zip(self.alerts, rows, strict=True) if keep]
        return Table(kept, self.features[rows], self.labels[rows], self.releases[rows])

    def sha256(self) -> str:
        """The hash of every value, so that two trainings on the same data are known to be."""
        rows = [
            [alert.series, alert.at.isoformat(), repr(alert.score), bool(label), [repr(v) for v in values]]
            for alert, label, values in zip(
                self.alerts, self.labels.tolist(), self.features.tolist(), strict=True
            )
        ]
        return hashlib.sha256(json.dumps([FEATURES, rows]).encode()).hexdigest()


def build(server: Server, alerts: Sequence[Alert], *, as_of: datetime, settle: timedelta = SETTLE) -> Table:
    """The table of `alerts`: features as known when each rang, labels as known at `as_of`.

    Alerts that rang less than `settle` before `as_of` are left out: nobody may have said yet what they were.
    So are those that rang before the labels of their series begin.

    Raises:
        RankerError: no alert is left, or the server refuses.
    """
    kept = [alert for alert in alerts if alert.at <= as_of - settle]
    if not kept:
        raise RankerError(f"There is no alert up to {(as_of - settle).isoformat()}.")
    labels = _labels(server, sorted({alert.series for alert in kept}), as_of)
    known = [(alert, labels[alert.series].of(alert.at)) for alert in kept]
    told = [(alert, label) for alert, label in known if label is not None]
    if not told:
        raise RankerError("No alert lies where the labels of its series are complete.")
    rows = [alert for alert, _ in told]
    features, releases = joined(server, rows, [alert.at for alert in rows])
    return Table(rows, features, np.array([label for _, label in told], dtype=np.bool_), releases)


def frozen(server: Server, table: Table, at: datetime) -> Table:
    """The same rows with the features that were known at `at`, as of a store that is not kept up to date."""
    features, releases = joined(server, table.alerts, [at] * len(table))
    return replace(table, features=features, releases=releases)


def joined(
    server: Server, alerts: Sequence[Alert], times: Sequence[datetime]
) -> tuple[Floats, NDArray[np.int64]]:
    """Features (n, n_features) of `alerts` as known at `times` (n), and the releases (n) that they are of."""
    import pandas as pd  # noqa: PLC0415  # seconds

    moments = pd.to_datetime(pd.Series(list(times)), utc=True)
    series = pd.DataFrame({"series": [alert.series for alert in alerts], "event_timestamp": moments})
    services = pd.DataFrame({"service": [alert.service for alert in alerts], "event_timestamp": moments})
    profiles = server.historical(series, PROFILES)
    history = server.historical(services, HISTORY)
    rows = [
        vector(alert, profile, past)
        for alert, profile, past in zip(
            alerts, profiles.to_dict("records"), history.to_dict("records"), strict=True
        )
    ]
    releases = np.array(profiles["release"].fillna(0).tolist(), dtype=np.int64)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES)), releases


def vector(alert: Alert, profile: Mapping[Any, Any], history: Mapping[Any, Any]) -> list[float]:
    """The features of one alert, NaN where nothing is known; the same for training and online."""
    own = {
        "score_log": math.log1p(max(alert.score, 0.0)),
        "hour": float(alert.at.hour),
        "weekday": float(alert.at.weekday()),
        "alerts_7d": float(alert.recent),
        "since_last_log": math.nan if alert.since_s is None else math.log1p(alert.since_s),
    }
    of_profile = {name: _number(profile.get(name)) for name in OF_PROFILE}
    of_history = {f"service_{name}": _number(history.get(name)) for name in OF_HISTORY}
    derived = {
        "above_incident_peak": own["score_log"] - of_profile["peak_min_log"],
        "above_benign_peak": own["score_log"] - of_profile["benign_peak_q90_log"],
    }
    found = {**own, **of_profile, **of_history, **derived}
    return [found[name] for name in FEATURES]


def _labels(server: Server, series: Sequence[str], as_of: datetime) -> dict[str, Any]:
    import pandas as pd  # noqa: PLC0415  # seconds

    rows = pd.DataFrame({"series": list(series)})
    rows["event_timestamp"] = pd.Timestamp(as_of)
    found = server.historical(rows, LABELS, LABEL_ROWS).to_dict("records")
    return {str(row["series"]): labels_of({str(key): value for key, value in row.items()}) for row in found}


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
