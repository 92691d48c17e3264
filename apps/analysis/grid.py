"""The stated grid of fleet settings, and the outcome of every one of them on one slice in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from . import accounting, detector
from .types import BASELINES, DIRECTIONS, Floats, Ints, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .accounting import Scorer
    from .detector import Prepared
    from .split import Slice

THETAS = (4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
PERSISTENCES = ((1, 1), (2, 3), (4, 5), (8, 10))
MIN_RELS = (0.0, 0.1, 0.25, 0.5, 1.0)

SHAPES: tuple[Setting, ...] = tuple(
    Setting(
        theta=THETAS[0], direction=direction, min_rel=min_rel, persist_k=k, persist_n=n, baseline=baseline
    )
    for baseline, direction, min_rel, (k, n) in product(BASELINES, DIRECTIONS, MIN_RELS, PERSISTENCES)
)
"""All settings but for theta: 4 baselines x 3 directions x 5 minimum effects x 4 persistences = 240."""

LOOK_BACK = max(n for _, n in PERSISTENCES) - 1
"""Observed samples before a slice that persistence at its start looks at."""

BATCH_ROWS = 500_000
"""Alarm samples that are counted together: some tens of MB."""

SIZE = len(SHAPES) * len(THETAS)
"""1,680 settings."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Detected incidents and false-alarm episodes of every setting. Shape (shapes, thetas)."""

    detected: Ints
    false_alarms: Ints

    def utility(self, lam: float) -> Floats:
        """U = TP - lam * FP of every setting."""
        return self.detected - lam * self.false_alarms


def settings() -> Iterator[Setting]:
    """All 1,680, in the order of the flattened `Outcomes`."""
    return (setting_at(position) for position in range(SIZE))


def setting_at(position: int) -> Setting:
    """The setting at a position of the flattened `Outcomes`."""
    shape, theta = divmod(position, len(THETAS))
    return replace(SHAPES[shape], theta=THETAS[theta])


def outcomes(prepared: Prepared, scorer: Scorer, part: Slice) -> Outcomes:
    """Count every setting on the rows of `part`.

    Only samples beyond the smallest theta can alarm, few of all. Their scores are found shape by shape, and
    then counted for many shapes at once.
    """
    found = Outcomes(*np.zeros((2, len(SHAPES), len(THETAS)), dtype=np.int64))
    waiting: list[tuple[int, Ints, Floats]] = []
    held = 0
    for number, rows, scores in _shape_scores(prepared, part):
        waiting.append((number, rows, scores))
        held += rows.size
        if held >= BATCH_ROWS:
            _count(waiting, scorer, found)
            waiting, held = [], 0
    _count(waiting, scorer, found)
    return found


def alarm_rows(prepared: Prepared, setting: Setting, part: Slice) -> Ints:
    """Rows that alarm, counted from the start of `part`."""
    rows = detector.alarm_rows(prepared, setting)
    first, last = np.searchsorted(rows, [part.first, part.last])
    return rows[first:last] - part.first


def _shape_scores(prepared: Prepared, part: Slice) -> Iterator[tuple[int, Ints, Floats]]:
    """Each shape by number: its rows beyond the smallest theta, from the start of `part`, and the scores."""
    first, last = np.searchsorted(prepared.rows, [part.first, part.last])
    size = int(last)  # of the observed samples, those up to the end of the slice
    for number, shape in enumerate(SHAPES):  # which vary persistence fastest
        if number % len(PERSISTENCES) == 0:
            view = prepared.view(shape.baseline)
            far = view.far(THETAS[0])
            far = far[np.searchsorted(far, first - LOOK_BACK) : np.searchsorted(far, last)]
            score = detector.effective_at(view, far, shape.direction, shape.min_rel, shape.min_abs)
            reach = score >= THETAS[0]
            far, score = far[reach], score[reach]
        rows, scores = detector.strongest(far, score, shape.persist_k, shape.persist_n, size)
        inside = int(np.searchsorted(rows, first))
        yield number, prepared.rows[rows[inside:]] - part.first, scores[inside:]


def _count(waiting: Sequence[tuple[int, Ints, Floats]], scorer: Scorer, found: Outcomes) -> None:
    """Enter what these shapes detect and how often they alarm falsely, for every theta."""
    if not waiting:
        return
    shapes = np.repeat([number for number, _, _ in waiting], [rows.size for _, rows, _ in waiting])
    rows = np.concatenate([rows for _, rows, _ in waiting])
    # How many of the thetas each sample reaches: an incident's best sample decides which settings detect it.
    reach = np.searchsorted(THETAS, np.concatenate([scores for _, _, scores in waiting]), side="right")
    incident, outside = scorer.incident_of[rows], scorer.outside[rows]
    best = np.zeros((len(SHAPES), len(scorer.incidents)), dtype=np.int64)
    within = incident >= 0
    np.maximum.at(best, (shapes[within], incident[within]), reach[within])
    shapes, times, reach = shapes[outside], scorer.times[rows[outside]], reach[outside]
    for position in range(len(THETAS)):
        found.detected[:, position] += (best > position).sum(axis=1)
        alarmed = reach > position
        runs, numbers = accounting.episodes_by_group(times[alarmed], shapes[alarmed])
        np.add.at(found.false_alarms[:, position], runs, numbers)
