"""From two arms and the pieces of each change to figures as JSON values. Pure: no database.

The block is the service: a service with twelve bursts is one witness, not twelve. Verdicts admit ignorance:
fewer than `BLOCKS_NEEDED` services that differ, or `INCIDENTS_NEEDED` held-out incidents, are too few data.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.analysis import accounting, paired, shapley, stats

from .replay import figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apps.analysis.accounting import Counts

    from .ablation import Piece

ALPHA = 0.05
INCIDENTS_NEEDED = 20
MAX_RECALL_LOSS = 0.10
NOTHING_MOVED = 1e-9
"""Sums this close to zero are rounding."""
IMPROVED, WORSE, NO_EVIDENCE, TOO_FEW_DATA = "improved", "worse", "no_evidence", "too_few_data"
METHODS = {
    "utility": "sign-flip test and t interval over services",
    "false_alarms": "sign-flip test and t interval over services",
    "detected": "exact test of incidents gained and lost; t interval over services",
    "recall": "exact test of incidents gained and lost; exact interval",
}


@dataclass(frozen=True)
class Arms:
    """What both arms did, by service: the same services in both. `gained`, `lost`: incidents."""

    before: Mapping[str, Counts]
    after: Mapping[str, Counts]
    gained: int
    lost: int
    lam: float

    @property
    def incidents(self) -> int:
        return sum(counts.incidents for counts in self.after.values())

    def parts(self, metric: str) -> list[float]:
        """After - before, by service."""
        return [
            _measure(self.after[name], metric, self.lam) - _measure(self.before[name], metric, self.lam)
            for name in self.before
        ]


def totals(counts: Mapping[str, Counts], lam: float) -> dict[str, Any]:
    """One arm over all services."""
    return figures(accounting.total(counts.values()), lam)


def difference(arms: Arms) -> dict[str, dict[str, Any]]:
    """After - before by metric, each with interval, p and verdict."""
    found = {metric: _of_services(arms, metric) for metric in ("utility", "false_alarms", "detected")}
    ratios = [
        stats.log_ratio(arms.after[name].false_alarms, arms.before[name].false_alarms) for name in arms.before
    ]
    ratio = stats.t_interval(ratios)
    found["false_alarms"]["log_ratio"] = {
        "estimate": ratio.estimate,
        "low": ratio.low,
        "high": ratio.high,
        "p": stats.sign_flip_p(ratios),
    }
    found["recall"] = _recall(arms)
    found["detected"] |= {
        name: found["recall"][name] for name in ("p", "gained", "lost", "verdict", "reason")
    }
    if found["false_alarms"]["verdict"] == IMPROVED:
        _guard(found["false_alarms"], found["recall"])
    return found


def contribution(pieces: Sequence[Piece], arms: Arms) -> dict[str, Any]:
    """One change: its share of the difference in utility, in total, by service and by metric family.

    `low` and `high` say how it would vary over services like these; None where too few services have it.
    `sampling` is the error of drawing orders, nothing of the data. `by_metric` has the other metrics.
    """
    by_service: dict[str, float] = dict.fromkeys(arms.before, 0.0)
    by_family: dict[str, float] = defaultdict(float)
    for one in pieces:
        by_service[one.service] += _worth(one, arms.lam)
        by_family[one.family] += _worth(one, arms.lam)
    parts = list(by_service.values())
    interval = shapley.over_blocks(parts)
    p = stats.sign_flip_p(parts)
    touched = sum(abs(part) > paired.TIE for part in parts)
    half = math.fsum(abs(_weight(one, arms.lam)) * one.half for one in pieces)
    total = math.fsum(parts)
    return {
        "shapley": total,
        "low": interval[0] if interval and touched else None,
        "high": interval[1] if interval and touched else None,
        "p": p,
        "services": touched,
        "verdict": _verdict(touched, p, interval),
        "sampling": {"low": total - half, "high": total + half, "exact": half == 0},
        "leave_one_out": math.fsum(_weight(one, arms.lam) * one.left_out for one in pieces),
        "by_metric": _by_metric(pieces, arms),
        "by_service": {name: part for name, part in by_service.items() if part},
        "by_family": {name: part for name, part in sorted(by_family.items()) if part},
    }


def _by_metric(pieces: Iterable[Piece], arms: Arms) -> dict[str, float | None]:
    pieces = list(pieces)
    detected = math.fsum(one.value for one in pieces if one.detected)
    false_alarms = math.fsum(one.value for one in pieces if not one.detected)
    return {
        "utility": detected - arms.lam * false_alarms,
        "detected": detected,
        "false_alarms": false_alarms,
        "recall": detected / arms.incidents if arms.incidents else None,
    }


def _weight(one: Piece, lam: float) -> float:
    """What one of it is worth: U = TP - lambda * FP."""
    return 1.0 if one.detected else -lam


def _worth(one: Piece, lam: float) -> float:
    return _weight(one, lam) * one.value


def _measure(counts: Counts, metric: str, lam: float) -> float:
    return counts.utility(lam) if metric == "utility" else float(getattr(counts, metric))


def _of_services(arms: Arms, metric: str) -> dict[str, Any]:
    parts = arms.parts(metric)
    interval = shapley.over_blocks(parts)
    differing = sum(abs(part) > paired.TIE for part in parts)
    p = stats.sign_flip_p(parts)
    better = -1 if metric == "false_alarms" else 1
    return {
        "effect": math.fsum(parts),
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
        "p": p,
        "n": differing,
        "services": len(parts),
        "minimum_detectable_effect": shapley.smallest_over_blocks(parts) or None,
        "method": METHODS[metric],
        "verdict": _verdict(differing, p, interval, better=better),
        "reason": _reason(differing, "service differs", "services differ", paired.BLOCKS_NEEDED),
    }


def _verdict(differing: int, p: float, interval: tuple[float, float] | None, *, better: int = 1) -> str:
    if differing < paired.BLOCKS_NEEDED or interval is None:
        return TOO_FEW_DATA
    low, high = interval
    if p >= ALPHA or low <= 0 <= high:
        return NO_EVIDENCE
    return IMPROVED if better * (low + high) > 0 else WORSE


def _reason(n: int, one: str, many: str, needed: int) -> str:
    return f"{n} {one if n == 1 else many}; at least {needed} are needed to tell" if n < needed else ""


def _recall(arms: Arms) -> dict[str, Any]:
    found = paired.recall_difference(arms.incidents, arms.gained, arms.lost)
    verdict = NO_EVIDENCE
    if arms.incidents < INCIDENTS_NEEDED:
        verdict = TOO_FEW_DATA
    elif found.p < ALPHA and found.low is not None and found.high is not None:
        verdict = IMPROVED if found.low > 0 else WORSE if found.high < 0 else NO_EVIDENCE
    return {
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": arms.incidents,
        "gained": arms.gained,
        "lost": arms.lost,
        "minimum_detectable_effect": found.smallest,
        "method": METHODS["recall"],
        "verdict": verdict,
        "reason": _reason(arms.incidents, "held-out incident", "held-out incidents", INCIDENTS_NEEDED),
    }


def _guard(false_alarms: dict[str, Any], recall: Mapping[str, Any]) -> None:
    """Silence is an improvement only where it is known that recall did not fall by much."""
    if recall["low"] is None or recall["low"] <= -MAX_RECALL_LOSS:
        false_alarms["verdict"] = NO_EVIDENCE
        false_alarms["reason"] = (
            f"fewer false alarms, but a fall of recall by {MAX_RECALL_LOSS:.0%} is not ruled out"
        )
