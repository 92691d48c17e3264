"""From training incidents to candidate signals: what a reviewer would note after reading them.

Each rule proposes columns of the vector; whether one is adopted is for the gate to say (`arms.adopt`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .evidence import IncidentLook, Peaks, looks, peaks
from .profiles import MIN_REL_MAX, THETA_LOG2_MAX, THETA_LOG2_MIN, Vector, apply, compile_signal
from .types import BASELINES, Baseline, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cases import Case

PERSISTENCES = ((2, 3), (4, 5), (8, 10))
BENIGN_QUANTILES = (0.9, 1.0)
LOG2_STEP = 0.25
"""Thresholds move in quarters of a doubling: finer than that the evidence never says."""
REL_DIGITS = 2
LEAST_EFFECT = 0.01


@dataclass(frozen=True)
class Proposal:
    """One typed signal and the columns that it fills."""

    kind: str
    value: object
    columns: Vector

    @classmethod
    def of(cls, kind: str, value: object) -> Proposal:
        """Compile `value`, so that what is proposed is always what could be published."""
        return cls(kind, value, compile_signal(kind, value))


def propose(case: Case, default: Setting, vector: Vector) -> Iterator[Proposal]:
    """Candidates to add to `vector`, given what it already says.

    Whether the series has evidence enough for any of it is the gate's question (`gate.enough_evidence`).
    """
    setting = apply(default, vector)
    seen = looks(case, setting)
    if seen and "direction" not in vector:
        yield from _direction(seen)
    if "theta_log2" not in vector:
        yield from _theta(default.theta, peaks(case, setting))
    if seen and "min_rel" not in vector:
        yield from _min_effect(seen)
    if "persist_k" not in vector:
        for k, n in PERSISTENCES:
            yield Proposal.of("persistence", {"k": k, "n": n})
    if "baseline" not in vector:
        for baseline in _others(default.baseline):
            yield Proposal.of("baseline", baseline)


def _others(baseline: Baseline) -> tuple[Baseline, ...]:
    """All other baselines."""
    return tuple(other for other in BASELINES if other != baseline)


def _direction(seen: tuple[IncidentLook, ...]) -> Iterator[Proposal]:
    """The direction of the incidents, if all agree."""
    signs = {look.sign for look in seen}
    if len(signs) == 1:
        yield Proposal.of("direction", "up" if signs == {1} else "down")


def _theta(default_theta: float, found: Peaks) -> Iterator[Proposal]:
    """Between the benign daily peaks and the smallest incident peak; without incidents, above the benign."""
    steps: list[float] = []
    smallest = min((peak for peak in found.incidents if peak > 0), default=None)
    for benign in found.benign_levels(BENIGN_QUANTILES):
        if smallest is None:
            steps.append(math.ceil(_log2(benign, default_theta) / LOG2_STEP + 1e-9) * LOG2_STEP)
        elif benign < smallest:
            middle = (_log2(benign, default_theta) + _log2(smallest, default_theta)) / 2
            steps.append(math.floor(middle / LOG2_STEP) * LOG2_STEP)
    if smallest is not None:
        steps.append(math.floor(_log2(smallest, default_theta) / LOG2_STEP) * LOG2_STEP)
    for step in dict.fromkeys(min(max(step, THETA_LOG2_MIN), THETA_LOG2_MAX) for step in steps):
        if step != 0:
            yield Proposal.of("theta_scale", step)


def _log2(score: float, default_theta: float) -> float:
    # A benign peak of 0 says only "anything"; the quarter of the default is where thresholds end anyway.
    return math.log2(max(score / default_theta, 2.0**THETA_LOG2_MIN))


def _min_effect(seen: tuple[IncidentLook, ...]) -> Iterator[Proposal]:
    """Half of the smallest relative effect of an incident, where effects are finite and worth a rule."""
    half = min(look.effect for look in seen) / 2
    if LEAST_EFFECT <= half <= MIN_REL_MAX:
        yield Proposal.of("min_effect", {"rel": float(f"{half:.{REL_DIGITS}g}")})
