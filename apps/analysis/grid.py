"""The stated grid of fleet settings, and the outcome of every one of them on one slice in one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from . import detector
from .types import BASELINES, DIRECTIONS, Floats, Ints, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

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

    The score of a shape (all but theta) is computed once; its samples above the smallest theta, few, serve
    all thetas.
    """
    detected = np.zeros((len(SHAPES), len(THETAS)), dtype=np.int64)
    false_alarms = np.zeros_like(detected)
    for number, score in enumerate(_shape_scores(prepared)):
        candidates, values = _candidates(prepared, score, part)
        for position, theta in enumerate(THETAS):
            rows = candidates[values >= theta]
            if rows.size == 0:
                break
            detected[number, position] = scorer.hits(rows).size
            false_alarms[number, position] = scorer.false_alarms(rows)
    return Outcomes(detected, false_alarms)


def alarm_rows(prepared: Prepared, setting: Setting, part: Slice) -> Ints:
    """Rows that alarm, counted from the start of `part`."""
    return np.flatnonzero(detector.alarms(prepared, setting)[part.first : part.last]).astype(np.int64)


def _shape_scores(prepared: Prepared) -> Iterator[Floats]:
    """Score of each shape in turn, over the observed samples; `SHAPES` varies persistence fastest."""
    seen: tuple[object, ...] = ()
    effective = np.zeros(0)
    for shape in SHAPES:
        key = (shape.baseline, shape.direction, shape.min_rel, shape.min_abs)
        if key != seen:
            effective = detector.effective(
                prepared, shape.baseline, shape.direction, shape.min_rel, shape.min_abs
            )
            seen = key
        yield detector.persistent(effective, shape.persist_k, shape.persist_n, least=THETAS[0])


def _candidates(prepared: Prepared, score: Floats, part: Slice) -> tuple[Ints, Floats]:
    """Rows of `part` (from its start) whose score reaches the smallest theta, and those scores."""
    first, last = np.searchsorted(prepared.rows, [part.first, part.last])
    inside = score[first:last]
    reach = np.flatnonzero(inside >= THETAS[0])
    return prepared.rows[first:last][reach] - part.first, inside[reach]
