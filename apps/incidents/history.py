"""Facts of `service_history` that incidents own, pushed through the outbox to whoever publishes them.

Counts go by `occurred_at`, over our own real incidents (`IncidentQuerySet.counted`). The risk of the next
seven days is shrunk towards the fleet (`analysis.rates`): services that have series or incidents of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.utils import timezone

from apps.analysis.rates import chance_within
from apps.audit import outbox
from apps.catalog.models import Service
from apps.common.times import iso_us
from apps.telemetry.models import Series

from .models import Incident, PushedHistory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

VIEW = "service_history"
RATE_DAYS = 90
HORIZON_DAYS = 7
DIGITS = 6  # of a probability; more would be pushed again for nothing


@dataclass(frozen=True, slots=True)
class Fleet:
    """The services that the risk is compared with, and the facts of each by its id."""

    slugs: dict[int, str]
    facts: dict[int, dict[str, Any]]


def fleet_facts(now: datetime) -> Fleet:
    """The facts of every service as of `now`, in two queries."""
    slugs = dict(
        Service.objects.filter(
            Exists(Series.objects.filter(service=OuterRef("pk")))
            | Exists(Incident.objects.counted().filter(service=OuterRef("pk")))
        )
        .order_by("pk")
        .values_list("pk", "slug")
    )
    counted: dict[int, dict[str, Any]] = {
        row["service"]: dict(row)
        for row in Incident.objects.counted()
        .filter(occurred_at__lte=now)
        .values("service")
        .annotate(
            last=Max("occurred_at"),
            n=Count("pk"),
            **{
                f"in_{days}": Count("pk", filter=Q(occurred_at__gt=now - timedelta(days=days)))
                for days in (7, 30, 90)
            },
        )
    }
    facts = {pk: _facts(counted.get(pk)) for pk in slugs}
    if facts:
        counts = np.array([values["incidents_90d"] for values in facts.values()], dtype=np.int64)
        chances = chance_within(counts, RATE_DAYS, HORIZON_DAYS).tolist()
        for values, chance in zip(facts.values(), chances, strict=True):
            values["risk_next_7d"] = round(chance, DIGITS)
    return Fleet(slugs, facts)


def _facts(row: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "incidents_7d": row["in_7"] if row else 0,
        "incidents_30d": row["in_30"] if row else 0,
        "incidents_90d": row["in_90"] if row else 0,
        "last_incident_at_iso": iso_us(row["last"]) if row else None,
        "n_incidents": row["n"] if row else 0,
    }


@transaction.atomic
def push(services: Iterable[int] | None = None) -> list[str]:
    """Push the facts that changed of these services (ids), or of all; returns their slugs.

    A service is locked before its incidents are counted, so that of two changes at once the later one counts
    both. A service that left the fleet (its last incident was declined) gets its zeros.
    """
    now = timezone.now()
    wanted = sorted(set(fleet_facts(now).slugs if services is None else services))
    PushedHistory.objects.bulk_create(
        [PushedHistory(service_id=pk, values={}, pushed_at=now) for pk in wanted], ignore_conflicts=True
    )
    locked = {
        row.pk: row
        for row in PushedHistory.objects.select_for_update(of=("self",))
        .filter(pk__in=wanted)
        .select_related("service")
        .order_by("pk")
    }
    fleet = fleet_facts(now)
    pushed = []
    for pk, row in locked.items():
        values = fleet.facts.get(pk, {**_facts(None), "risk_next_7d": None})
        never = not row.values and pk not in fleet.facts
        if never or row.values == values:
            continue
        slug = row.service.slug
        row.values, row.pushed_at = values, now
        row.save(update_fields=["values", "pushed_at"])
        outbox.add(
            kind="features.facts",
            key=f"incidents:{slug}:{uuid4().hex}",
            payload={"view": VIEW, "entity": slug, "values": values},
        )
        pushed.append(slug)
    return pushed
