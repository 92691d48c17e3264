"""The three arms: one setting for the fleet, plain per-series thresholds, and signals learnt from incidents.

Everything here reads training slices alone. The insights arm is what the gate lets through: values fitted
with shrinkage, rules where no fitted value passes (the README says why in this order).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import grid, rules
from .evidence import Evidence, describe, gather
from .gate import TIE, enough_evidence, passes
from .profiles import DEFAULT_SETTING, THETA_LOG2_MAX, THETA_LOG2_MIN, Vector, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cases import Case, Effect
    from .types import Floats, Setting

THRESHOLD_LOG2 = tuple(step / 4 for step in range(int(4 * THETA_LOG2_MIN), int(4 * THETA_LOG2_MAX) + 1))
"""Thresholds that plain tuning may choose from: the same range and step that insights have."""

FLEET_WEIGHT = 0.5
"""Shrinkage: how much the fleet's mean utility of a setting counts beside the series' own."""


def fleet_utility(cases: Sequence[Case]) -> Floats:
    """Mean training utility over the fleet of every setting of the grid. Shape (shapes, thetas)."""
    summed = np.zeros((len(grid.SHAPES), len(grid.THETAS)))
    for case in cases:
        summed += case.train_outcomes.utility(case.lam)
    return _exact(summed / max(len(cases), 1))


def fleet_default(cases: Sequence[Case]) -> Setting:
    """The setting of the grid with the best mean training utility.

    Of equals the one nearest `DEFAULT_SETTING`. Equals are common only where little is known: a fleet without
    incidents keeps what it would have had anyway.
    """
    utility = fleet_utility(cases)
    best = np.flatnonzero(utility == utility.max())
    return min((grid.setting_at(int(position)) for position in best), key=_distance_from(DEFAULT_SETTING))


def threshold_only(case: Case, default: Setting) -> Setting:
    """Plain tuning: the default with the theta of the best training utility, of equals the nearest."""
    best, best_utility = default, case.effect(default).utility(case.lam)
    for step in sorted(THRESHOLD_LOG2, key=abs):
        setting = replace(default, theta=default.theta * 2.0**step)
        utility = case.effect(setting).utility(case.lam)
        if utility > best_utility + TIE:
            best, best_utility = setting, utility
    return best


def adopt(case: Case, default: Setting) -> Vector:
    """Signal columns by rules: the proposal that gains most, again and again, while one passes the gate."""
    vector: Vector = {}
    now = case.effect(default)
    if not enough_evidence(case, now):
        return vector
    while True:
        best: tuple[Vector, Effect] | None = None
        for proposal in rules.propose(case, default, vector):
            candidate = {**vector, **proposal.columns}
            then = case.effect(apply(default, candidate))
            leader = best[1] if best else now
            if passes(now, then, case.lam) and then.utility(case.lam) > leader.utility(case.lam) + TIE:
                best = candidate, then
        if best is None:
            return vector
        vector, now = best


def fit(case: Case, default: Setting, fleet: Floats) -> Vector:
    """Signal columns by fitting with shrinkage: best for the series and, at half weight, for the fleet.

    Maximises U_series(c) + 0.5 * mean of U(c) over the fleet (`fleet`, of `fleet_utility`) among the
    settings of the grid that pass the gate against the default; of equals the one nearest to the default.
    Empty if none passes.
    """
    now = case.effect(default)
    if not enough_evidence(case, now):
        return {}
    own = case.train_outcomes.utility(case.lam)
    objective = _exact(own + FLEET_WEIGHT * fleet).ravel()
    gains = (own > now.utility(case.lam) + case.lam) & (case.train_outcomes.detected >= len(now.hits))
    distance = _distance_from(default)
    positions = (int(position) for position in np.flatnonzero(gains))
    ranked = sorted(positions, key=lambda at: (-float(objective[at]), distance(grid.setting_at(at))))
    for position in ranked:
        vector = columns_between(default, grid.setting_at(position))
        if vector is not None and passes(now, case.effect(apply(default, vector)), case.lam):
            return vector
    return {}


def learn(case: Case, default: Setting, fleet: Floats) -> Vector:
    """The vector of one series: its signals (none where none passes the gate) and the evidence behind them.

    Fitted values come first because they are the steadier choice: they won on a split of the training slices
    alone. Rules follow where none of them passes, for they may go where the grid does not.
    """
    signals = fit(case, default, fleet) or adopt(case, default)
    evidence = gather(case, default)
    return {**signals, **describe(evidence), "confidence": confidence(evidence, case.lam)}


def confidence(evidence: Evidence, lam: float) -> float:
    """0 with no evidence, a half at one incident, towards 1 with more; a false alarm weighs lambda incidents."""
    weight = len(evidence.incidents) + lam * evidence.false_alarms
    return round(weight / (weight + 1), 6)


def columns_between(default: Setting, setting: Setting) -> Vector | None:
    """Signal columns that turn `default` into `setting`; None if theta moves farther than a signal may."""
    step = math.log2(setting.theta / default.theta)
    if not THETA_LOG2_MIN <= step <= THETA_LOG2_MAX:
        return None
    columns: Vector = {"theta_log2": step} if step else {}
    for names in (("direction",), ("min_rel",), ("persist_k", "persist_n"), ("baseline",)):
        if any(getattr(setting, name) != getattr(default, name) for name in names):
            columns |= {name: getattr(setting, name) for name in names}
    return columns


def _distance_from(origin: Setting) -> Callable[[Setting], tuple[int, float, float]]:
    """Order of settings: by how many kinds of signal lead there from `origin`, then by the step of theta."""

    def distance(setting: Setting) -> tuple[int, float, float]:
        step = math.log2(setting.theta / origin.theta)
        kinds = (
            setting.direction != origin.direction,
            setting.min_rel != origin.min_rel,
            (setting.persist_k, setting.persist_n) != (origin.persist_k, origin.persist_n),
            setting.baseline != origin.baseline,
            step != 0,
        )
        return sum(kinds), abs(step), -step

    return distance


def _exact(utility: Floats) -> Floats:
    """Equal utilities as equal numbers."""
    return np.round(utility, 9)
