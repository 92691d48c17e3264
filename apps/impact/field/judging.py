"""From a field estimate to a verdict. Pure: no database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.actions.models import BETTER, Metric
from apps.analysis import effects
from apps.impact.judging import MIN_POWER, Judgement

if TYPE_CHECKING:
    from .comparing import FieldMeasurement

REASONS = {
    "improved": "The change is larger than chance explains",
    "worse": "It moved the wrong way, by more than chance explains",
    "no_evidence": "There was enough to tell, and the change is within chance",
    "too_few_data": "Too little happened to tell",
}


def judge(measured: FieldMeasurement, *, metric: str, looks: int) -> Judgement:
    """The verdict on one field measurement, at the `looks`-th look at this action."""
    found = measured.estimate
    p = None if found.p is None else min(1.0, found.p * looks)
    better = BETTER[Metric(metric)]
    outcome = effects.outcome(found, better="down" if better == "down" else "up", p=p)
    reason = found.reason or REASONS[outcome]
    if found.verdict_hint is None and found.power is not None and found.power < MIN_POWER:
        reason = (
            f"The effect that was declared as the smallest of interest would have been found in only "
            f"{found.power:.0%} of such measurements"
        )
    if not measured.complete:
        reason += "; the weeks after are not over yet"
    return Judgement(
        verdict=outcome,
        reason=reason,
        metric=metric,
        method=found.method,
        n=found.n,
        excluded=found.excluded,
        effect=found.effect,
        low=found.low,
        high=found.high,
        p=p,
        power=found.power,
        minimum_detectable_effect=found.smallest,
    )
