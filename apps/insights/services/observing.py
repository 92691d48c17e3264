"""Shadow runs as they go on: read what has arrived, and judge at the planned end.

Nothing here changes what is served. A run reads each service-day once, so a task that runs twice, or two at a
time, add nothing; and what was read stays as it was read. While one of its services is inside a protected
window nothing is read: the days wait.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.audit import ledger
from apps.common.canonical import digest
from apps.common.code import code_id
from apps.common.errors import DomainError
from apps.evaluation import daily
from apps.features import releases
from apps.features.models import Release
from apps.insights import arms, shadow_judging, shadowing, telling
from apps.insights.models import Insight, ShadowReading, ShadowRun

from .finding import note_finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from apps.insights.models import Revision

log = structlog.get_logger(__name__)
CLOCK = "clock"
SOURCE = "shadow"
Ending = ShadowRun.Ending


def observe_all(now: datetime | None = None) -> int:
    """Read what has arrived for every open run, and finish those whose time is over; how many days were read.

    A run that fails is logged and tried again at the next look; it keeps no other from being read.
    """
    moment, read = now or timezone.now(), 0
    for run_id in ShadowRun.objects.filter(ended_at=None).order_by("pk").values_list("pk", flat=True):
        try:
            read += observe(run_id, now=moment)
        except (DatabaseError, DomainError):
            log.exception("shadow_run_failed", run=run_id)
    return read


def observe(run_id: int, *, now: datetime) -> int:
    """Append a reading for each service-day that is over, has samples and was not read yet; how many.

    Finishes the run once its planned end and the days of waiting after it have passed.
    """
    run = ShadowRun.objects.select_related("revision__insight").filter(pk=run_id, ended_at=None).first()
    if run is None or now < run.starts_at or shadowing.paused_by(run.revision, now) is not None:
        return 0
    wanted = _unread(run, now)
    # Asked first: if a release comes in between, the reading names the older one; its hash tells of the arms.
    release = Release.objects.order_by("-number").values_list("number", flat=True).first()
    tried, read = arms.of_proposal(run.revision), 0
    for service, days in wanted.items():  # kept service by service: a task that is cut short loses one
        found = daily.service_days(tried, {service: days}, start=run.starts_at, end=run.ends_at)
        rows = [ShadowReading(run=run, release=release, **asdict(day)) for day in found]
        ShadowReading.objects.bulk_create(rows, ignore_conflicts=True)
        read += len(rows)
    if now >= run.ends_at + daily.SETTLE:
        _finish(run_id)
    return read


def _unread(run: ShadowRun, now: datetime) -> Mapping[str, list[date]]:
    days = daily.ripe(run.starts_at, run.ends_at, now)
    read: dict[str, set[date]] = defaultdict(set)
    for service, day in run.readings.values_list("service", "day"):
        read[service].add(day)
    return {
        service: [day for day in days if day not in read[service]]
        for service in shadowing.services_of(run.revision)
    }


@transaction.atomic
def _finish(run_id: int) -> None:
    """Judge a run by what it registered, and keep the finding, whatever it is."""
    releases.lock()
    run = ShadowRun.objects.select_related("revision").get(pk=run_id)
    insight = Insight.objects.select_for_update(of=("self",)).get(pk=run.revision.insight_id)
    run = ShadowRun.objects.select_for_update(of=("self",)).select_related("revision").get(pk=run_id)
    if run.ended_at is not None:
        return
    days = list(run.readings.all())
    found = shadow_judging.judge(days, metric=run.metric, smallest_effect=run.smallest_effect)
    run.outcome, run.outcome_reason, run.method = found.outcome, found.reason, found.method
    figures = found.figures
    run.n, run.effect, run.low, run.high = figures.n, figures.effect, figures.low, figures.high
    run.p, run.power, run.minimum_detectable_effect = figures.p, found.power, figures.smallest
    run.data_hash = digest([[day.service, day.day.isoformat(), day.data_hash] for day in days])
    run.code = code_id()
    shadowing.close(run, insight, Ending.FINISHED, by=CLOCK)
    telling.shadow_ended(insight, run, title=run.get_outcome_display(), text=f"{found.reason}.")
    note(run, insight)
    ledger.record(
        actor=CLOCK,
        action="shadow_finished",
        object_type="insight",
        object_id=insight.pk,
        data={"run": run.pk, "outcome": run.outcome, "n": run.n, "data_hash": run.data_hash},
    )


def note(run: ShadowRun, insight: Insight) -> None:
    """Hand a run's finding to the confidence of its insight, once; caller's transaction, release lock held.

    While another revision is served it waits (`note_waiting`): a shadow run changes nothing that is served.
    """
    if insight.active_revision not in (None, run.revision.number):
        return
    note_finding(
        insight,
        source=SOURCE,
        reference=f"shadow:{run.pk}",
        outcome=run.outcome,
        effect=run.effect,
        low=run.low,
        high=run.high,
        p=run.p,
        n=run.n or 0,
        method=run.method,
        split_hash=run.data_hash,
    )


def note_waiting(insight: Insight, revision: Revision) -> None:
    """Hand over what finished runs of a revision found while another one was served."""
    for run in revision.shadow_runs.filter(ending=Ending.FINISHED).order_by("pk"):
        note(run, insight)
