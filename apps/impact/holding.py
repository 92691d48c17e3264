"""Which part of a series is held out for an insight, and which incidents may be counted in it. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.evaluation import holding
from apps.insights import composition

if TYPE_CHECKING:
    from apps.evaluation.holding import HeldOut
    from apps.insights.models import Revision


def held_out(series_id: str, revision: Revision) -> HeldOut | None:
    """What comes after everything that the gate has seen; None where there are fewer than two samples.

    It begins at today's cut, or after the last sample that the deciding backtest saw if that is later.
    """
    return holding.held_out(series_id, seen_us=seen_us(series_id, revision), own=own_source(revision))


def own_source(revision: Revision) -> frozenset[str]:
    """How telemetry names the incident whose postmortem the revision cites; empty without one."""
    postmortem = revision.source_postmortem
    if postmortem is None or postmortem.incident_id is None:
        return frozenset()
    return frozenset({f"incident:{postmortem.incident_id}"})


def seen_us(series_id: str, revision: Revision) -> int | None:
    """The last sample that the deciding backtest has seen of a series."""
    result = composition.deciding_result(revision)
    seen = result.report.get("series", {}).get(series_id, {}).get("end_us") if result else None
    return None if seen is None else int(seen)
