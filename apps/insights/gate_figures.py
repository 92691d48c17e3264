"""The figures of a gate's report, series by series, as the card and the API show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .models import GateResult


@dataclass(frozen=True)
class SeriesFigures:
    """One series of the training part: n incidents replayed, those gained and lost, false alarms."""

    series: str
    incidents: int
    gained: int
    lost: int
    false_alarms_before: int
    false_alarms_after: int

    @property
    def moves(self) -> bool:
        """Does anything change here?"""
        return bool(self.gained or self.lost or self.false_alarms_before != self.false_alarms_after)


def by_series(result: GateResult) -> list[SeriesFigures]:
    """Each series of the report: those that lose an incident first, then those that change most."""
    rows = [
        SeriesFigures(
            series=name,
            incidents=found["n_incidents"],
            gained=found["d_tp"] + found["lost"],
            lost=found["lost"],
            false_alarms_before=found["n_benign"],
            false_alarms_after=found["n_benign"] + found["d_fp"],
        )
        for name, found in result.report.get("series", {}).items()
    ]
    return sorted(
        rows,
        key=lambda row: (
            -row.lost,
            -row.gained,
            -abs(row.false_alarms_after - row.false_alarms_before),
            row.series,
        ),
    )
