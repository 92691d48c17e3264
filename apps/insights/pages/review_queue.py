"""The queue: what waits for me."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, page
from apps.insights import access, missteps, waiting, wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpResponse

    from apps.insights.models import Decision, GateResult, Misstep, Revision


@dataclass(frozen=True)
class Row:
    """One revision of the queue with its evidence in short."""

    revision: Revision
    scope: str
    gate: GateResult | None
    waits_for: list[str]
    standing: Decision | None
    missteps: list[Misstep]

    @property
    def false_alarms(self) -> int | None:
        """By how many false alarms the gate's two arms differ; None where none were counted."""
        report = self.gate.report if self.gate else {}
        return report.get("d_fp") if report.get("n_incidents") is not None else None

    @property
    def detected(self) -> int | None:
        """By how many detected incidents it differs."""
        return self.gate.report.get("d_tp") if self.gate else None


@page()
def show_queue(request: AuthedRequest) -> HttpResponse:
    """What I may decide, what was sent back to me, and what waits for others."""
    found = waiting.queue(request.user)
    near = missteps.near_revisions([*found.to_review, *found.to_change, *found.for_others])
    context = {
        "queue": found,
        "to_review": [_row(revision, near) for revision in found.to_review],
        "to_change": [_row(revision, near) for revision in found.to_change],
        "for_others": [_row(revision, near) for revision in found.for_others],
        "limit": waiting.LIMIT,
    }
    return render(request, "insights/queue.html", context)


def _row(revision: Revision, near: Mapping[int, list[Misstep]]) -> Row:
    gates = list(revision.gate_results.all())
    return Row(
        revision=revision,
        scope=wording.scope(revision.scope),
        gate=gates[-1] if gates else None,
        waits_for=waiting.missing(revision),
        standing=access.standing_no(revision),
        missteps=near[revision.pk],
    )
