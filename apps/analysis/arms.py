"""The three arms: one setting for the fleet, plain per-series thresholds, and signals learnt from incidents.

Everything here reads training slices alone. As in the published protocol, the arm adopts what raises training
utility by more than lambda; and nothing that is learnt without a person may add false alarms. The gate that
reviewers see (`gate.evaluate`) is stricter in another way: it lets no incident go.
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
    from .types import Floats, Ints, Setting

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


class Service:
    """The series of one service together: signals that all of them may share, where they have few incidents.

    One series says little; its neighbours see the same traffic and the same faults. It is the fallback of the
    scope of a signal: series, then service, then fleet.
    """

    def __init__(self, cases: Sequence[Case], fleet: Fleet) -> None:
        self.cases = tuple(cases)
        self._fleet = fleet
        self._known: dict[Setting, Vector] = {}

    def vector(self, default: Setting) -> Vector:
        """Columns of the setting of the grid with the best objective for all series; computed once.

        Empty for a single series, and where nothing earns its place in the sums.
        """
        if default not in self._known:
            self._known[default] = self._fit(default) if len(self.cases) > 1 else {}
        return self._known[default]

    def _fit(self, default: Setting) -> Vector:
        now = [case.effect(default) for case in self.cases]
        if not any(enough_evidence(case, effect) for case, effect in zip(self.cases, now, strict=True)):
            return {}
        outcomes = [case.train_outcomes for case in self.cases]
        lam = self.cases[0].lam
        return _best_of_grid(
            default,
            own=np.sum([outcome.utility(lam) for outcome in outcomes], axis=0),
            false_alarms=np.sum([outcome.false_alarms for outcome in outcomes], axis=0),
            least=sum(effect.utility(lam) for effect in now) + lam,
            most_false=sum(effect.false_alarms for effect in now),
            fleet=self._fleet,
        )


def earns(before: Effect, after: Effect, lam: float) -> bool:
    """Utility rises by more than lambda, and not at the cost of false alarms.

    An incident that is caught in training by alarming more often is mostly a coincidence: at lambda .1 it
    outweighs nine false alarms that will come again. On folds within the training slices of the benchmark
    this rule cut more false alarms in each of six folds.
    """
    return after.false_alarms <= before.false_alarms and gains(before, after, lam)


def adopt(case: Case, default: Setting) -> Vector:
    """Signal columns by rules: the proposal that gains most, again and again, while one earns its place."""
    vector: Vector = {}
    now = case.effect(default)
    while enough_evidence(case, now):
        best: tuple[Vector, Effect] | None = None
        for proposal in rules.propose(case, default, vector):
            candidate = {**vector, **proposal.columns}
            then = case.effect(apply(default, candidate))
            leader = best[1] if best else now
            if earns(now, then, case.lam) and then.utility(case.lam) > leader.utility(case.lam) + TIE:
                best = candidate, then
        if best is None:
            break
        vector, now = best
    return vector


def fit(case: Case, default: Setting, fleet: Fleet) -> Vector:
    """Signal columns of the setting of the grid with the best objective among those that earn their place.

    Of equals the one nearest to the default. Empty if none does, or evidence is lacking.
    """
    now = case.effect(default)
    if not enough_evidence(case, now):
        return {}
    return _best_of_grid(
        default,
        own=case.train_outcomes.utility(case.lam),
        false_alarms=case.train_outcomes.false_alarms,
        least=now.utility(case.lam) + case.lam,
        most_false=now.false_alarms,
        fleet=fleet,
    )


def _best_of_grid(
    default: Setting, *, own: Floats, false_alarms: Ints, least: float, most_false: int, fleet: Fleet
) -> Vector:
    """The best of `own` utility with the fleet's share among settings above `least`. Shapes as the grid."""
    value = _exact(own + FLEET_WEIGHT * fleet.grid_utility).ravel()
    promising = np.flatnonzero((own > least + TIE) & (false_alarms <= most_false))
    distance = _distance_from(default)
    ranked = sorted(promising.tolist(), key=lambda at: (-float(value[at]), distance(grid.setting_at(at))))
    vectors = (columns_between(default, grid.setting_at(at)) for at in ranked)
    return next((vector for vector in vectors if vector), {})


def learn(case: Case, default: Setting, fleet: Fleet, service: Service | None = None) -> Vector:
    """The vector of one series: its signals (none where nothing gains) and the evidence behind them.

    What its service shares stands where the series is no worse for it, unless what it taught itself gains
    more than lambda beyond that.
    """
    own = _taught(case, default, fleet)
    shared = _shared(case, default, service.vector(default)) if service else {}
    before = case.effect(apply(default, shared)).utility(case.lam)
    after = case.effect(apply(default, own)).utility(case.lam)
    evidence = gather(case, default)
    return {
        **(own if after > before + case.lam + TIE else shared or own),
        **describe(evidence),
        "confidence": confidence(evidence, case.lam),
    }


def _shared(case: Case, default: Setting, vector: Vector) -> Vector:
    """The service's signals on one series; none where they cost it something.

    A threshold is never raised on a series that has no evidence of its own.
    """
    now, setting = case.effect(default), apply(default, vector)
    deaf = setting.theta > default.theta and not enough_evidence(case, now)
    worse = case.effect(setting).utility(case.lam) < now.utility(case.lam) - TIE
    return {} if deaf or worse else vector


def _taught(case: Case, default: Setting, fleet: Fleet) -> Vector:
    """The signals that a series teaches itself.

    Three candidates stand for the same training slice: rules, values fitted over the grid, and plain
    tuning. The best objective U_series(c) + 0.5 * mean of U(c) over the fleet decides, of equals the first;
    its second half is the shrinkage that keeps one lucky incident from deciding alone. Then every signal
    must earn its place.
    """
    now = case.effect(default)
    plain = columns_between(default, threshold_only(case, default)) or {}
    candidates = [adopt(case, default), fit(case, default, fleet)]
    if enough_evidence(case, now) and earns(now, case.effect(apply(default, plain)), case.lam):
        candidates.append(plain)
    chosen: Vector = {}
    best = -math.inf
    for candidate in filter(None, candidates):
        setting = apply(default, candidate)
        value = case.effect(setting).utility(case.lam) + FLEET_WEIGHT * fleet.utility(setting)
        if value > best + TIE:
            chosen, best = candidate, value
    return prune(case, default, chosen)


def prune(case: Case, default: Setting, vector: Vector) -> Vector:
    """`vector` without the signals that do not earn their place beside the others, the least useful first.

    An insight carries one signal and stands for itself; what only decorates another is left out.
    """
    while True:
        now = case.effect(apply(default, vector))
        spared: list[tuple[float, Vector]] = []
        for names in KINDS:
            rest = {name: value for name, value in vector.items() if name not in names}
            without = case.effect(apply(default, rest))
            if rest != vector and not earns(without, now, case.lam):
                spared.append((now.utility(case.lam) - without.utility(case.lam), rest))
        if not spared:
            return vector
        vector = min(spared, key=lambda one: round(one[0], 9))[1]


def signals(vector: Vector) -> list[Vector]:
    """The learnt signals of a vector apart, each as its columns; descriptive columns are left out."""
    apart = ({name: vector[name] for name in names if name in vector} for names in KINDS)
    return [columns for columns in apart if columns]


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
