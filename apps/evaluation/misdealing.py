"""Wrong insights: each series is dealt those of another, blindly and behind the gate.

A gate is worth something if it makes this harmless: what was learnt elsewhere is judged on the receiver's
training slice as a reviewer's proposal would be, one signal after the other beside those adopted before.
Both outcomes are then counted on the held-out slices. A donor is drawn from another service where there is
one, since series of one service may well share a truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apps.analysis import arms, gate, stats
from apps.analysis.profiles import apply

from .replay import service_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.analysis.cases import Case
    from apps.analysis.profiles import Vector
    from apps.analysis.types import Setting

    from .replay import Lessons, Progress, Study

DIGITS = 6
TIE = 1e-9


def deal(
    study: Study, lessons: Lessons, *, deals: int, progress: Progress | None = None, seed: int = stats.SEED
) -> dict[str, Any]:
    """Figures of `deals` seeded deals, as JSON values rounded to six digits.

    Utilities are sums over the held-out slices of all series, their means are over the deals.
    `adopted_share`: of all signals dealt, those that the gate let through; null if nothing was dealt, which
    is so where nobody else has learnt anything. `not_worse_than_default`: deals whose gated utility is at
    least the default's.
    """
    random = np.random.default_rng(seed)
    default = _utility(study, lessons.default, {})
    blind, gated = [], []
    dealt = adopted = 0
    for number in range(1, deals + 1):
        hands = _hands(lessons.vectors, random)
        kept = {name: _through_gate(study, lessons.default, name, hand) for name, hand in hands.items()}
        dealt += sum(len(hand) for hand in hands.values())
        adopted += sum(len(signals) for signals in kept.values())
        blind.append(_utility(study, lessons.default, hands))
        gated.append(_utility(study, lessons.default, kept))
        if progress is not None:
            progress("deal", number, deals)
    return {
        "deals": deals,
        "adopted_share": round(adopted / dealt, DIGITS) if dealt else None,
        "not_worse_than_default": sum(utility >= default - TIE for utility in gated),
        "ungated_mean_utility": round(float(np.mean(blind)), DIGITS),
        "gated_mean_utility": round(float(np.mean(gated)), DIGITS),
        "default_mean_utility": round(default, DIGITS),
        "dealt": dealt,
        "adopted": adopted,
        "seed": seed,
    }


def _hands(vectors: Mapping[str, Vector], random: np.random.Generator) -> dict[str, list[Vector]]:
    """For every series the signals of another that has some; none where no other has any."""
    names = sorted(vectors)
    learnt = {name: signals for name in names if (signals := arms.signals(vectors[name]))}
    hands: dict[str, list[Vector]] = {}
    for name in names:
        donors = _donors(name, sorted(learnt))
        hands[name] = learnt[donors[int(random.integers(len(donors)))]] if donors else []
    return hands


def _donors(receiver: str, learnt: Sequence[str]) -> list[str]:
    """Series of other services; where there are none, the others of the same."""
    strangers = [name for name in learnt if service_of(name) != service_of(receiver)]
    return strangers or [name for name in learnt if name != receiver]


def _through_gate(study: Study, default: Setting, name: str, hand: Sequence[Vector]) -> list[Vector]:
    """The signals that pass on the receiver's training slice, each beside those before it."""
    case: Mapping[str, Case] = {name: study.cases[name]}
    kept: list[Vector] = []
    for signal in hand:
        active = {name: _together(kept)}
        if gate.evaluate_cases(case, signal, active=active, default=default, rules=study.rules).passed:
            kept.append(signal)
    return kept


def _utility(study: Study, default: Setting, hands: Mapping[str, Sequence[Vector]]) -> float:
    """Summed utility on the held-out slices."""
    lam = study.rules.lam
    return sum(
        case.test(apply(default, _together(hands.get(name, ())))).utility(lam)
        for name, case in study.cases.items()
    )


def _together(signals: Sequence[Vector]) -> Vector:
    return {column: value for signal in signals for column, value in signal.items()}
