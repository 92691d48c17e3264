"""How a service is likely to fail, and what ended such failures: the priors that models read, for people."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.catalog.models import Term
from apps.features import facts
from apps.features.names import FAILURE_MODE_PRIOR, REMEDIATION_PRIOR
from apps.ui import charts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.catalog.models import Service
    from apps.features.models import FactRow

SHOWN = 6
ANY_TIER = "any"
PERCENT = 100


@dataclass(frozen=True)
class Mode:
    """One failure mode: its chance in percent if the service fails, and how many reviews of it named it."""

    label: str
    percent: float
    reviews: float


@dataclass(frozen=True)
class Failing:
    """The panel: the row that models read, the likeliest modes, and what ended failures of the first one."""

    row: FactRow
    n_reviews: int
    weight: float
    modes: list[Mode]
    chart: charts.Bars
    remedies: list[dict[str, Any]]


def of(service: Service) -> Failing | None:
    """What is known of a service; None while no review says how anything failed. Three queries at most."""
    row = facts.current(FAILURE_MODE_PRIOR, service.slug)
    lines = json.loads(row.values.get("modes_json", "[]")) if row else []
    if row is None or not lines:
        return None
    tier = service.tier.code if service.tier else ANY_TIER
    entities = [f"{lines[0]['mode']}/{tier}", f"{lines[0]['mode']}/{ANY_TIER}"]
    remedies = facts.newest_of(REMEDIATION_PRIOR, entities)
    terms = Term.objects.filter(vocabulary__in=["failure_mode", "remediation"])
    labels = dict(terms.values_list("code", "label"))
    shown = [
        Mode(
            labels.get(line["mode"], line["mode"]),
            round(line["chance"] * PERCENT, 1),
            line["n"],
        )
        for line in lines[:SHOWN]
    ]
    return Failing(
        row=row,
        n_reviews=row.values.get("n_reviews", 0),
        weight=row.values.get("prior_weight", 0.0),
        modes=shown,
        chart=charts.bars(
            [charts.Bar(mode.label, mode.percent) for mode in shown],
            unit="%",
            title="If it fails, then how",
        ),
        remedies=_remedies([remedies[entity] for entity in entities if entity in remedies], labels),
    )


def _remedies(rows: list[FactRow], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """Of the first row that has any: what was tried, with its name in words."""
    for row in rows:
        if row.values.get("n_reviews"):
            lines = json.loads(row.values["remediations_json"])[:SHOWN]
            return [{**line, "label": labels.get(line["remediation"], line["remediation"])} for line in lines]
    return []
