"""A verdict as plain values: what the command prints and the API of the report gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.common.times import iso_us

if TYPE_CHECKING:
    from .models import Verdict
    from .reporting import Adjusted

UNEXPLAINED = "caught_by_neither_way"


def as_report(verdict: Verdict, adjusted: Adjusted) -> dict[str, Any]:
    """One verdict with everything that a reader needs to trust it or not.

    `verdict` is that after adjustment over the report, `verdict_alone` the one that its row keeps. `p` is
    that of one look times `looks`; `p_adjusted` is after Benjamini-Hochberg over the whole report.
    """
    return {
        "action": verdict.action_id,
        "insight": verdict.insight_id,
        "evidence": verdict.evidence,
        "metric": verdict.metric,
        "method": verdict.method,
        "n": verdict.n,
        "excluded": {"total": verdict.excluded, "by_reason": by_reason(verdict)},
        "controls": controls(verdict),
        "effect": verdict.effect,
        "interval": [verdict.low, verdict.high],
        "p": verdict.p,
        "p_adjusted": adjusted.p,
        "adjusted_among": adjusted.among,
        "minimum_detectable_effect": verdict.minimum_detectable_effect,
        "power": verdict.power,
        "verdict": adjusted.verdict,
        "verdict_alone": str(verdict.verdict),
        "reason": reason(verdict, adjusted),
        "looks": verdict.look,
        "split_hash": verdict.split_hash,
        "data_hash": verdict.data_hash,
        "code": verdict.code,
        "verdict_id": verdict.pk,
        "evaluated_at": iso_us(verdict.evaluated_at),
    }


def by_reason(verdict: Verdict) -> dict[str, int]:
    """What was left out, by reason; the numbers add up to `excluded`."""
    found = {str(name): int(n) for name, n in verdict.report.get("excluded", {}).items() if n}
    rest = verdict.excluded - sum(found.values())
    return {**found, UNEXPLAINED: rest} if rest > 0 else found


def controls(verdict: Verdict) -> list[str] | None:
    """Services that counts were compared with; None where the method has none."""
    compared = verdict.report.get("controls")
    return None if compared is None else [str(one["service"]) for one in compared]


def reason(verdict: Verdict, adjusted: Adjusted) -> str:
    """The row's reason, and where the report says less than the row, why."""
    if adjusted.verdict == verdict.verdict:
        return verdict.reason
    return (
        f"Alone it would be {verdict.get_verdict_display().lower()}, but among {adjusted.among} verdicts of "
        f"this report a p of {verdict.p:.3g} is one that chance gives (adjusted {adjusted.p:.3g})"
    )
