"""Alerts: runs of alarms of a series, from a file or the server, and what they turned out to be."""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .errors import RankerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

GAP = timedelta(hours=3)  # alarms of a series closer than this are one alert
WEEK = timedelta(days=7)
INCIDENT = "incident"


@dataclass(frozen=True, slots=True)
class Alert:
    """The first alarm of a run of them, as known at that moment.

    `recent` counts the alerts of the series in the seven days before, `since_s` the seconds since the last.
    """

    series: str
    at: datetime
    score: float
    recent: int
    since_s: float | None

    @property
    def service(self) -> str:
        """The first part of the series."""
        return self.series.partition("/")[0]


def read(path: Path) -> list[tuple[str, str, float]]:
    """Alarms of a CSV file with the columns `series`, `at`, `score`.

    Raises:
        RankerError: a column is missing, or a row cannot be read, by its number.
    """
    found = []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream)
        if not {"series", "at", "score"} <= set(rows.fieldnames or ()):
            raise RankerError(f"{path}, row 1: the columns series, at and score are needed.")
        for row in rows:
            try:
                found.append((row["series"], row["at"], float(row["score"])))
                moment(row["at"])
            except (TypeError, ValueError) as exc:
                raise RankerError(f"{path}, row {rows.line_num}: {exc}") from exc
    return found


def moment(text: str) -> datetime:
    """ISO 8601 as a moment in UTC; without a zone it is UTC.

    Raises:
        ValueError: it is not.
    """
    found = datetime.fromisoformat(text)
    return (found.replace(tzinfo=UTC) if found.tzinfo is None else found).astimezone(UTC)


def alerts_of(alarms: Iterable[tuple[str, str, float]]) -> list[Alert]:
    """Alarms as alerts, by time and series."""
    by_series: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for series, at, score in alarms:
        if not math.isfinite(score):
            raise RankerError(f"{series} {at}: the score is not a finite number.")
        by_series[series].append((moment(at), score))
    found = []
    for series, rows in by_series.items():
        starts: list[datetime] = []
        last: datetime | None = None
        for when, first_score in sorted(rows):
            if last is None or when - last > GAP:
                recent = len(starts) - bisect_left(starts, when - WEEK)
                since = (when - starts[-1]).total_seconds() if starts else None
                found.append(Alert(series, when, first_score, recent, since))
                starts.append(when)
            last = when
    return sorted(found, key=lambda alert: (alert.at, alert.series))


@dataclass(frozen=True, slots=True)
class Labels:
    """The intervals of a series that were incidents, as known at some moment; complete from `since` on."""

    spans: list[tuple[datetime, datetime]]
    since: datetime | None

    def of(self, at: datetime) -> bool | None:
        """Whether an alert at `at` fell into an incident; None where labels do not reach back so far."""
        if self.since is not None and at < self.since:
            return None
        # The spans are sorted by their start; an earlier one may last longer.
        upto = bisect_right(self.spans, at, key=lambda span: span[0])
        return any(end >= at for _, end in self.spans[:upto])


def labels_of(row: Mapping[str, Any]) -> Labels:
    """Labels out of a row of `incident_label`; none of a series that nobody labelled."""
    text, since = row.get("intervals_json"), row.get("complete_since_iso")
    spans = sorted(
        (moment(found["start"]), moment(found["end"]))
        for found in json.loads(text if isinstance(text, str) else "[]")
        if found["kind"] == INCIDENT
    )
    return Labels(spans, moment(since) if isinstance(since, str) else None)
