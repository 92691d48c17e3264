"""What telemetry learns of an incident: one label for each series involved, as long as the facts allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.analysis.types import Interval
from apps.telemetry.reading import to_us
from apps.telemetry.services import set_labels
from apps.telemetry.sources import Label

from .codes import VOID, Kind, Origin, TimeKind

if TYPE_CHECKING:
    from apps.accounts.models import User

    from .models import Incident


def source_of(incident: Incident) -> str:
    """How telemetry names the origin of an incident's labels."""
    return f"incident:{incident.pk}"


def interval(incident: Incident) -> Interval | None:
    """From the recorded start of the impact to its resolution, or else its mitigation; None if unknown."""
    times = incident.times_by_kind()
    start = times[TimeKind.IMPACT_START].at
    end = times[TimeKind.RESOLVED].at or times[TimeKind.MITIGATED].at
    if start is None or end is None:
        return None
    return Interval(start_us=to_us(start), end_us=to_us(end))


def push(incident: Incident, *, by: User) -> None:
    """Bring the labels up to date, in the caller's transaction.

    Only what really happened to us is a label: no drill, no near miss, nothing declined, canceled or merged.
    """
    span = interval(incident)
    counts = (
        span is not None
        and incident.origin == Origin.OWN
        and incident.kind == Kind.INCIDENT
        and not incident.is_drill
        and incident.state not in VOID
    )
    ids = incident.series.values_list("pk", flat=True) if counts else ()
    set_labels(
        source=source_of(incident),
        labels=[Label(series_id, span) for series_id in ids if span is not None],
        is_drill=incident.is_drill,
        is_holdout=incident.is_holdout,
        by=by,
    )
