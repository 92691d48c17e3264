"""What the training slice of one series says: how its incidents and its false alarms look to the detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import detector, grid
from .accounting import episodes
from .types import DAY_US, HOUR_US, Floats, Setting, Times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cases import Case
    from .profiles import Vector


@dataclass(frozen=True)
class IncidentLook:
    """One training incident seen under a setting's baseline, at its sample of largest |z|.

    `peak_up`, `peak_down`: largest z and -z within its window. `effect`: |residual| / |expected| at the
    larger of the two, infinite where nothing was expected. `duration_s`: end - start as labelled.
    """

    peak_up: float
    peak_down: float
    effect: float
    duration_s: float

    @property
    def sign(self) -> int:
        return 1 if self.peak_up >= self.peak_down else -1

    @property
    def peak(self) -> float:
        return max(self.peak_up, self.peak_down)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Counts and shapes behind the signals of one series, all from its training slice.

    `benign_peaks` and `benign_hours`: largest score and hour of day (UTC) of each false alarm of the setting.
    """

    incidents: tuple[IncidentLook, ...]
    benign_peaks: Floats
    benign_hours: tuple[int, ...]
    detected: int
    false_alarms: int


def gather(case: Case, default: Setting) -> Evidence:
    """Look at the training slice with the default setting's eyes."""
    part = case.split.train
    score = detector.scores(case.prepared, default)[part.first : part.last]
    scorer = case.train_scorer
    rows = grid.alarm_rows(case.prepared, default, part)
    false_rows = rows[scorer.outside[rows]]
    times = scorer.times[false_rows]
    runs = episodes(times)
    edges = [np.searchsorted(times, [run.start_us, run.end_us + 1]) for run in runs]
    return Evidence(
        incidents=looks(case, default),
        benign_peaks=np.array([score[false_rows[low:high]].max() for low, high in edges], dtype=np.float64),
        benign_hours=tuple(int(run.start_us % DAY_US // HOUR_US) for run in runs),
        detected=scorer.hits(rows).size,
        false_alarms=scorer.false_alarms(rows),
    )


def looks(case: Case, setting: Setting) -> tuple[IncidentLook, ...]:
    """How each training incident with a sample in its window looks under the setting's baseline."""
    view = case.prepared.view(setting.baseline, setting.calendar)
    found: list[IncidentLook] = []
    limit = case.split.cut_us
    for incident in case.split.train.incidents:
        end = min(incident.end_us + case.split.tolerance_us, limit - 1)
        first, last = np.searchsorted(case.prepared.times, [incident.start_us, end + 1])
        if first == last:
            continue
        z = view.z[first:last]
        top = first + int(np.argmax(np.abs(z)))
        expected = abs(float(view.expected[top]))
        found.append(
            IncidentLook(
                peak_up=max(0.0, float(z.max())),
                peak_down=max(0.0, float(-z.min())),
                effect=abs(float(view.residual[top])) / expected if expected > 0 else float("inf"),
                duration_s=(incident.end_us - incident.start_us) / 1e6,
            )
        )
    return tuple(found)


def describe(evidence: Evidence) -> Vector:
    """The descriptive columns of the vector; null (absent) where there is nothing to describe.

    Logarithms are natural, of 1 + score. `precision_past` is that of the default on the training slice.
    """
    columns: Vector = {"n_incidents": len(evidence.incidents), "n_benign": evidence.false_alarms}
    if evidence.incidents:
        peaks = np.log1p([look.peak for look in evidence.incidents])
        columns["peak_min_log"] = _rounded(peaks.min())
        columns["peak_med_log"] = _rounded(np.median(peaks))
        columns["dur_med_s"] = _rounded(np.median([look.duration_s for look in evidence.incidents]))
        columns["dir_mean"] = _rounded(np.mean([look.sign for look in evidence.incidents]))
    if evidence.benign_peaks.size:
        columns["benign_peak_q90_log"] = _rounded(np.quantile(np.log1p(evidence.benign_peaks), 0.9))
        columns["benign_same_hour"] = _rounded(_same_hour(evidence.benign_hours))
    if evidence.detected + evidence.false_alarms:
        columns["precision_past"] = _rounded(evidence.detected / (evidence.detected + evidence.false_alarms))
    return columns


@dataclass(frozen=True, eq=False)
class Peaks:
    """Largest scores under one setting: of each training incident (k,), of each day outside them (d,)."""

    incidents: Floats
    benign: Floats

    def benign_levels(self, quantiles: Sequence[float]) -> list[float]:
        """Quantiles of the benign daily peaks; nothing where there is no such day."""
        return [float(level) for level in np.quantile(self.benign, quantiles)] if self.benign.size else []


def peaks(case: Case, setting: Setting) -> Peaks:
    """Scores of the training slice in short."""
    part, scorer = case.split.train, case.train_scorer
    score = detector.scores(case.prepared, setting)[part.first : part.last]
    inside = [score[scorer.incident_of == number] for number in range(len(scorer.incidents))]
    return Peaks(
        incidents=np.array([rows.max() for rows in inside if rows.size], dtype=np.float64),
        benign=_daily_peaks(scorer.times[scorer.outside], score[scorer.outside]),
    )


def _daily_peaks(times: Times, score: Floats) -> Floats:
    """Largest score of each day (UTC) that has a sample. Shape (days,)."""
    if times.size == 0:
        return np.zeros(0)
    first = np.flatnonzero(np.diff(times // DAY_US, prepend=-1))
    return np.maximum.reduceat(score, first)


def _same_hour(hours: Sequence[int]) -> float:
    """Share of false alarms that start in the most frequent hour of the day."""
    return max(hours.count(hour) for hour in set(hours)) / len(hours)


def _rounded(value: float | np.floating) -> float:
    """Six digits: enough for a model, and the same text in every store."""
    return float(f"{float(value):.6g}")
