"""The ranker on the Numenta benchmark's real series: alerts of a sensitive detector.

Each series is cut where the protocol of the evaluation cuts it, and moved so that all cuts fall on one
moment: what lies before is learnt from, what lies after is ranked. "Fresh" knows of every incident, and of
every alert that was none, as soon as it is over; "frozen" knows only those before the cut. The block is the
series: the benchmark has seven services, and their series have no more in common than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apps.analysis import detector, ranking
from apps.analysis.accounting import episodes
from apps.analysis.evidence import Evidence, IncidentLook, describe
from apps.analysis.split import Split, divide
from apps.analysis.types import DAY_US, HOUR_US, Setting, Telemetry
from apps.common.errors import require
from apps.evaluation import inputs
from apps.ranker import table, training, trees
from apps.ranker.alerts import Alert, alerts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.analysis.types import Floats, Interval

pytestmark = pytest.mark.data

SENSITIVE = Setting(theta=6.0)  # half the default's threshold: more alerts, and more reason to rank them
CUT = datetime(2020, 1, 1, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)


@dataclass(frozen=True)
class Past:
    """What happened to one series: incidents with their looks and whether they were seen, and false runs."""

    incidents: list[tuple[Interval, IncidentLook, bool]]
    false_runs: list[tuple[int, float, int]]  # end, largest score, hour of day

    def known_at(self, at_us: int) -> tuple[dict[str, Any], dict[str, int]]:
        """The columns of the profile and of the history, from what was over before `at_us`."""
        over = [found for found in self.incidents if found[0].end_us < at_us]
        false = [found for found in self.false_runs if found[0] < at_us]
        evidence = Evidence(
            incidents=tuple(look for _, look, _ in over),
            benign_peaks=np.array([peak for _, peak, _ in false]),
            benign_hours=tuple(hour for *_, hour in false),
            detected=sum(seen for *_, seen in over),
            false_alarms=len(false),
        )
        ends = [incident.end_us for incident, *_ in over]
        history = {
            f"incidents_{days}d": sum(end > at_us - days * DAY_US for end in ends) for days in (7, 30, 90)
        }
        return dict(describe(evidence)), {**history, "n_incidents": len(over)}

    def is_incident(self, at_us: int) -> bool:
        return any(found.start_us <= at_us <= found.end_us for found, *_ in self.incidents)


def past_of(telemetry: Telemetry, split: Split) -> tuple[Past, list[tuple[int, float]]]:
    """The past of a series, and its alarms as (time, score)."""
    prepared = detector.prepare(telemetry)
    score = detector.scores(prepared, SENSITIVE)
    rows = np.flatnonzero(detector.alarms(prepared, SENSITIVE))
    rows = rows[rows >= split.train.first]
    z = prepared.view(SENSITIVE.baseline, SENSITIVE.calendar).z
    incidents = []
    for one in split.known:
        first, last = np.searchsorted(telemetry.times, [one.start_us, one.end_us + 1])
        if first < last:
            inside = z[first:last]
            seconds = (one.end_us - one.start_us) / 1e6
            look = IncidentLook(max(0.0, float(inside.max())), max(0.0, float(-inside.min())), 0.0, seconds)
            incidents.append((one, look, bool(((rows >= first) & (rows < last)).any())))
    past = Past(incidents, [])
    false = np.array([row for row in rows if not past.is_incident(int(telemetry.times[row]))], dtype=np.int64)
    times = telemetry.times[false]
    for run in episodes(times):
        peak = float(score[false[(times >= run.start_us) & (times <= run.end_us)]].max())
        past.false_runs.append((run.end_us, peak, int(run.start_us % DAY_US // HOUR_US)))
    return past, [(int(telemetry.times[row]), float(score[row])) for row in rows]


def rows_of(found: inputs.Inputs) -> Iterator[tuple[Alert, bool, list[float], list[float]]]:
    """Every alert with its label, its fresh features and its frozen ones."""
    for name, telemetry in found.series.items():
        split = divide(telemetry, found.incidents.get(name, ()), found.rules)
        past, alarms = past_of(telemetry, split)
        cut = EPOCH + split.cut_us * US
        for alert in alerts_of([(name, (EPOCH + at * US).isoformat(), score) for at, score in alarms]):
            at_us = (alert.at - EPOCH) // US
            fresh, frozen = (past.known_at(moment) for moment in (at_us, min(at_us, split.cut_us)))
            moved = Alert(name, CUT + (alert.at - cut), alert.score, alert.recent, alert.since_s)
            yield (
                moved,
                past.is_incident(at_us),
                table.vector(alert, *fresh),
                table.vector(alert, *frozen),
            )


def test_what_incidents_taught_ranks_real_alerts_better_and_more_so_when_it_is_fresh(data_dir):
    rows = sorted(
        rows_of(inputs.from_archive(data_dir / "nab" / "nab-real.tar.gz")),
        key=lambda row: (row[0].at, row[0].series),
    )
    alerts, labels = [row[0] for row in rows], np.array([row[1] for row in rows])

    def data(features: list[list[float]]) -> table.Table:
        return table.Table(alerts, np.array(features), labels, np.zeros(len(rows), dtype=np.int64))

    fresh, frozen = data([row[2] for row in rows]), data([row[3] for row in rows])
    parted = training.split(fresh, boundary=CUT)
    train, later = fresh.part(parted.is_train), fresh.part(~parted.is_train)
    model = trees.fit(train.features, train.labels, table.FEATURES, seed=training.SEED)
    current: Floats = model.chances(later.features)
    stale = model.chances(frozen.part(~parted.is_train).features)
    series = np.array([alert.series for alert in later.alerts])
    challenged = ranking.compare(later.labels, current, later.scores, series)
    worth = ranking.compare(later.labels, current, stale, series)
    print(
        f"{len(train)} alerts learnt from; challenger and score alone {challenged}; fresh and frozen {worth}"
    )
    assert challenged.verdict == "improved"  # the challenger would be promoted
    first, second, score_alone = (
        require(value, "a figure") for value in (challenged.first, worth.second, challenged.second)
    )
    assert first > second > score_alone
    assert first >= 0.30
