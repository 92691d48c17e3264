"""Facts of `incident_label` that telemetry owns: what intervals of a series turned out to be.

Told through the outbox at each change, for training alone. Labels of drills and of the hold-out are never
in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction

from apps.audit import outbox
from apps.common.times import iso_us

from .models import OutcomeLabel, Series

if TYPE_CHECKING:
    from collections.abc import Iterable

VIEW = "incident_label"
FACTS_KIND = "features.facts"
MAX_INTERVALS = 800  # of a series; a row is appended whole at each change, and takes at most 100,000 bytes


def push(series: Iterable[str]) -> None:
    """Tell what is now known of these series, in the caller's transaction, which holds their locks.

    The lock makes the order of the messages that of the commits: of two changes at once the later tells both.
    """
    for series_id in sorted(set(series)):
        outbox.add(
            kind=FACTS_KIND,
            key=f"telemetry:{series_id}:{uuid4().hex}",
            payload={"view": VIEW, "entity": series_id, "values": labelled(series_id)},
        )


def tell_all(*, key: str, payload: dict[str, Any]) -> None:
    """Outbox handler of `telemetry.tell_labels`: tell every series that has labels. What is known already
    changes nothing."""
    del key, payload
    for series_id in OutcomeLabel.objects.order_by("series").values_list("series", flat=True).distinct():
        with transaction.atomic():
            Series.objects.select_for_update(of=("self",)).get(pk=series_id)
            push([series_id])


def labelled(series_id: str) -> dict[str, Any]:
    """The columns of one series: an interval that several sources name counts once; the newest are kept."""
    rows = sorted(
        OutcomeLabel.objects.counted()
        .filter(series=series_id)
        .order_by()
        .values_list("start_at", "end_at", "kind")
        .distinct()
    )
    kept = rows[-MAX_INTERVALS:]
    kinds = [kind for _, _, kind in rows]
    return {
        "n_incidents": kinds.count(OutcomeLabel.Kind.INCIDENT),
        "n_benign": kinds.count(OutcomeLabel.Kind.BENIGN),
        "intervals_json": [
            {"start": iso_us(start), "end": iso_us(end), "kind": kind} for start, end, kind in kept
        ],
        "complete_since_iso": iso_us(kept[0][0]) if len(kept) < len(rows) else None,
    }
