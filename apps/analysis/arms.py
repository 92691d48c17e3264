"""The three arms: one setting for the fleet, plain per-series thresholds, and signals learnt from incidents.

Everything here reads training slices alone. As in the published protocol, the arm adopts what raises training
utility by more than lambda. The gate that reviewers see (`gate.evaluate`) is stricter: it lets no incident
go.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import grid, rules
from .evidence import Evidence, describe, gather
from .gate import TIE, enough_evidence, gains
from .profiles import DEFAULT_SETTING, THETA_LOG2_MAX, THETA_LOG2_MIN, Vector, apply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cases import Case, Effect
    from .types import Floats, Setting

THRESHOLD_LOG2 = tuple(step / 4 for step in range(int(4 * THETA_LOG2_MIN), int(4 * THETA_LOG2_MAX) + 1))
"""Thresholds that plain tuning may choose from: the same range and step that insights have."""

KINDS = (("theta_log2",), ("direction",), ("min_rel",), ("persist_k", "persist_n"), ("baseline",))
"""The columns of each kind of signal that can be learnt."""

FLEET_WEIGHT = 0.5
"""Shrinkage: how much the fleet's mean utility of a setting counts beside the series' own."""


class Fleet:
    """All series together: what a setting is worth on average, on training slices."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = tuple(cases)
        summed = np.zeros((len(grid.SHAPES), len(grid.THETAS)))
        for case in cases:
            summed += case.train_outcomes.utility(case.lam)
        self.grid_utility: Floats = _exact(summed / max(len(cases), 1))
        """Mean training utility of every setting of the grid. Shape (shapes, thetas)."""
        self._known: dict[Setting, float] = {}

    def default(self) -> Setting:
        """The setting of the grid with the best mean training utility.

        Of equals the one nearest `DEFAULT_SETTING`. Equals are common only where little is known: a fleet
        without incidents keeps what it would have had anyway.
        """
        best = np.flatnonzero(self.grid_utility == self.grid_utility.max())
        return min((grid.setting_at(int(position)) for position in best), key=_distance_from(DEFAULT_SETTING))

    def utility(self, setting: Setting) -> float:
        """Mean training utility of any setting; computed at first use, then kept."""
        if setting not in self._known:
            summed = sum(case.effect(setting).utility(case.lam) for case in self.cases)
            self._known[setting] = summed / max(len(self.cases), 1)
        return self._known[setting]


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
    """Signal columns by rules: the proposal that gains most, again and again, while one gains over lambda."""
    vector: Vector = {}
    now = case.effect(default)
    while enough_evidence(case, now):
        best: tuple[Vector, Effect] | None = None
        for proposal in rules.propose(case, default, vector):
            candidate = {**vector, **proposal.columns}
            then = case.effect(apply(default, candidate))
            leader = best[1] if best else now
            if gains(now, then, case.lam) and then.utility(case.lam) > leader.utility(case.lam) + TIE:
                best = candidate, then
        if best is None:
            break
        vector, now = best
    return vector


def fit(case: Case, default: Setting, fleet: Fleet) -> Vector:
    """Signal columns of the setting of the grid with the best objective among those that gain over lambda.

    Of equals the one nearest to the default. Empty if none gains, or evidence is lacking.
    """
    now = case.effect(default)
    if not enough_evidence(case, now):
        return {}
    own = case.train_outcomes.utility(case.lam)
    value = _exact(own + FLEET_WEIGHT * fleet.grid_utility).ravel()
    promising = np.flatnonzero(own > now.utility(case.lam) + case.lam + TIE)
    distance = _distance_from(default)
    ranked = sorted(promising.tolist(), key=lambda at: (-float(value[at]), distance(grid.setting_at(at))))
    vectors = (columns_between(default, grid.setting_at(at)) for at in ranked)
    return next((vector for vector in vectors if vector), {})


def learn(case: Case, default: Setting, fleet: Fleet) -> Vector:
    """The vector of one series: its signals (none where nothing gains) and the evidence behind them.

    Three candidates stand for the same training slice: rules, values fitted over the grid, and plain
    tuning. The best objective U_series(c) + 0.5 * mean of U(c) over the fleet decides, of equals the first;
    its second half is the shrinkage that keeps one lucky incident from deciding alone. Then every signal
    must earn its place.
    """
    now = case.effect(default)
    plain = columns_between(default, threshold_only(case, default)) or {}
    candidates = [adopt(case, default), fit(case, default, fleet)]
    if enough_evidence(case, now) and gains(now, case.effect(apply(default, plain)), case.lam):
        candidates.append(plain)
    signals: Vector = {}
    best = -math.inf
    for candidate in filter(None, candidates):
        setting = apply(default, candidate)
        value = case.effect(setting).utility(case.lam) + FLEET_WEIGHT * fleet.utility(setting)
        if value > best + TIE:
            signals, best = candidate, value
    evidence = gather(case, default)
    return {
        **prune(case, default, signals),
        **describe(evidence),
        "confidence": confidence(evidence, case.lam),
    }


def prune(case: Case, default: Setting, vector: Vector) -> Vector:
    """`vector` without the signals that do not gain over lambda beside the others, the least useful first.

    An insight carries one signal and stands for itself; what only decorates another is left out.
    """
    while True:
        now = case.effect(apply(default, vector))
        spared: list[tuple[float, Vector]] = []
        for names in KINDS:
            rest = {name: value for name, value in vector.items() if name not in names}
            without = case.effect(apply(default, rest))
            if rest != vector and not gains(without, now, case.lam):
                spared.append((now.utility(case.lam) - without.utility(case.lam), rest))
        if not spared:
            return vector
        vector = min(spared, key=lambda one: round(one[0], 9))[1]


def confidence(evidence: Evidence, lam: float) -> float:
    """0 with no evidence, a half at one incident, then towards 1; a false alarm weighs lambda incidents."""
    weight = len(evidence.incidents) + lam * evidence.false_alarms
    return round(weight / (weight + 1), 6)


def columns_between(default: Setting, setting: Setting) -> Vector | None:
    """Signal columns that turn `default` into `setting`; None if theta moves farther than a signal may."""
    step = math.log2(setting.theta / default.theta)
    if not THETA_LOG2_MIN <= step <= THETA_LOG2_MAX:
        return None
    columns: Vector = {"theta_log2": step} if step else {}
    for names in KINDS[1:]:
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
