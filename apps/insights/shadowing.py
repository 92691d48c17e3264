"""Shadow runs: what stands in their way now, and closing one. Nothing here changes what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from apps.catalog import windows
from apps.telemetry import reading

from . import access
from .models import Insight, ShadowRun

if TYPE_CHECKING:
    from datetime import datetime

    from apps.catalog.models import ProtectedWindow

    from .models import Revision


def services_of(revision: Revision) -> list[str]:
    """The services (slugs) of the series in a revision's scope, now."""
    return sorted({series_id.partition("/")[0] for series_id in reading.resolve(revision.scope)})


def paused_by(revision: Revision, moment: datetime) -> ProtectedWindow | None:
    """The protected window that `moment` lies in for one of the revision's services; None if it is free."""
    return windows.covering(windows.of(services_of(revision)), moment)


def end_open(insight: Insight, ending: ShadowRun.Ending, *, by: str, reason: str = "") -> ShadowRun | None:
    """Close the open run of an insight, if there is one, before its planned end and without a verdict.

    In the caller's transaction, which has locked the insight and sets its state.
    """
    run = (
        ShadowRun.objects.select_for_update(of=("self",))
        .select_related("revision")
        .filter(revision__insight=insight, ended_at=None)
        .first()
    )
    if run is None:
        return None
    close(run, insight, ending, by=by, reason=reason)
    return run


def close(run: ShadowRun, insight: Insight, ending: ShadowRun.Ending, *, by: str, reason: str = "") -> None:
    """Close a run once; the state of an insight that serves nothing follows."""
    run.ended_at, run.ended_by, run.ending, run.ending_reason = timezone.now(), by, ending, reason.strip()
    run.save()
    if insight.state == Insight.State.SHADOW:
        insight.state = Insight.State(access.state_while_not_served(access.newest_revision(insight)))
        insight.save(update_fields=["state"])
