"""Put a revision to the test before it is served, and stop that."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.audit import ledger
from apps.catalog import windows, wording
from apps.common.errors import InvalidInputError, require
from apps.common.times import iso_us
from apps.insights import access, shadowing, telling
from apps.insights.errors import (
    AlreadyApprovedError,
    NoShadowRunError,
    NoSignalError,
    ProtectedWindowError,
    ShadowRunningError,
)
from apps.insights.models import Activation, Insight, ShadowRun
from apps.insights.models.shadowing import MAX_HYPOTHESIS

from .approving import pass_gate
from .reviewing import refuse_authors, require_judge

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User
    from apps.insights.models import Revision

MAX_AHEAD = timedelta(days=30)
MIN_LENGTH, MAX_LENGTH = timedelta(days=1), timedelta(days=180)
MAX_REASON = 2000  # characters


@transaction.atomic
def start_shadow(
    *,
    insight_id: int,
    actor: User,
    hypothesis: str,
    metric: str,
    smallest_effect: float,
    ends_at: datetime,
    starts_at: datetime | None = None,
    override_reason: str = "",
    seen: int | None = None,
) -> ShadowRun:
    """Register a shadow run of the newest revision: what it is to show, by how much, and until when.

    It counts telemetry from `starts_at` (now, if not given) to `ends_at`. What is registered is frozen. The
    gate must have passed, or somebody writes why the revision is tried all the same, as for an approval.

    Raises:
        NotFoundError: no such insight.
        InsightWithdrawnError, InsightExpiredError, TurnedDownError: it is over, or was turned down.
        RevisionChangedError: somebody revised it since `seen`.
        SelfApprovalError, RoleRequiredError: an author, or neither reviewer nor operator.
        NoSignalError, AlreadyApprovedError, ShadowRunningError: nothing to try; served, or running, already.
        GateRequiredError: no passed gate and no written override.
        InvalidInputError: a field is out of range.
        ProtectedWindowError: the start lies in a protected window of one of its services; the remedy names
            the next free moment.
    """
    insight = access.lock_insight(insight_id, actor=actor)
    revision = access.newest_revision(insight, seen=seen)
    refuse_start(insight, revision, actor)
    now = timezone.now()
    start = now if starts_at is None else starts_at
    _check_plan(hypothesis, metric, smallest_effect)
    _check_times(revision, now, start, ends_at, given=starts_at is not None)
    pass_gate(revision, actor, override_reason)
    _refuse_protected(revision, start)
    run = ShadowRun.objects.create(
        revision=revision,
        hypothesis=hypothesis.strip(),
        metric=metric,
        smallest_effect=smallest_effect,
        starts_at=start,
        ends_at=ends_at,
        gate_result=require(revision.gate_results.last(), "the gate's result"),
        started_by=actor,
    )
    if insight.active_revision is None:
        insight.state = Insight.State.SHADOW
        insight.save(update_fields=["state"])
    telling.shadow_started(insight, revision, actor, run)
    ledger.record(
        actor=actor.username,
        action="shadow_started",
        object_type="insight",
        object_id=insight.pk,
        data={
            "run": run.pk,
            "revision": revision.number,
            "hypothesis": run.hypothesis,
            "metric": metric,
            "smallest_effect": smallest_effect,
            "starts_at": iso_us(start),
            "ends_at": iso_us(ends_at),
        },
    )
    return run


@transaction.atomic
def stop_shadow(*, insight_id: int, actor: User, reason: str) -> ShadowRun:
    """Stop the run of an insight before its planned end. It is kept, with what it read, and not judged.

    Raises:
        NotFoundError: no such insight.
        SelfApprovalError, RoleRequiredError: an author, or neither reviewer nor operator.
        NoShadowRunError: none is running.
        InvalidInputError: no reason, or one too long.
    """
    insight = access.lock_insight(insight_id, actor=actor)
    revision = access.newest_revision(insight)
    refuse_authors(revision, actor)
    require_judge(actor)
    if "\0" in reason or not any(character.isalnum() for character in reason):
        raise InvalidInputError("Write why.", field="reason", remedy="The author reads it, and it stays.")
    if len(reason) > MAX_REASON:
        raise InvalidInputError(f"At most {MAX_REASON} characters.", field="reason")
    run = shadowing.end_open(insight, ShadowRun.Ending.STOPPED, by=actor.username, reason=reason)
    if run is None:
        raise NoShadowRunError("No shadow run of this insight is going on.")
    telling.shadow_ended(insight, run, title="Stopped", text=reason.strip())
    ledger.record(
        actor=actor.username,
        action="shadow_stopped",
        object_type="insight",
        object_id=insight.pk,
        data={"run": run.pk, "reason": reason.strip()},
    )
    return run


def refuse_start(insight: Insight, revision: Revision, actor: User) -> None:
    """Stop somebody who may not start a run as things stand. Pages ask it too, to say why.

    Raises:
        DomainError: as `start_shadow`, but for what the actor writes.
    """
    access.refuse_ended(insight)
    access.refuse_expired(revision)
    refuse_authors(revision, actor)
    require_judge(actor)
    access.refuse_turned_down(revision)
    if Activation.objects.filter(revision=revision).exists():
        raise AlreadyApprovedError(
            f"Revision {revision.number} is or was served: the prospective test watches what is served.",
            remedy="Revise the insight to try something else.",
        )
    if not revision.signals.exists():
        raise NoSignalError("This insight is prose: there is no signal to try.", remedy="Revise it.")
    if ShadowRun.objects.filter(revision=revision, ended_at=None).exists():
        raise ShadowRunningError("A shadow run of this revision is going on.", remedy="Stop that first.")


def _check_plan(hypothesis: str, metric: str, smallest_effect: float) -> None:
    if "\0" in hypothesis or not any(character.isalnum() for character in hypothesis):
        raise InvalidInputError(
            "Write what it is to show.", field="hypothesis", remedy="It is frozen before the first sample."
        )
    if len(hypothesis) > MAX_HYPOTHESIS:
        raise InvalidInputError(f"At most {MAX_HYPOTHESIS} characters.", field="hypothesis")
    if metric not in ShadowRun.Metric.values:
        raise InvalidInputError(
            f"{metric[:40]!a} is no metric.", field="metric", remedy=f"{', '.join(ShadowRun.Metric.values)}."
        )
    if not 0 < smallest_effect < 1:
        raise InvalidInputError(
            "The smallest effect is a share between 0 and 1.", field="smallest_effect", remedy="Such as 0.3."
        )


def _check_times(revision: Revision, now: datetime, start: datetime, end: datetime, *, given: bool) -> None:
    if given and not now <= start <= now + MAX_AHEAD:
        raise InvalidInputError(
            f"It starts now, or within {MAX_AHEAD.days} days.",
            field="starts_at",
            remedy="Leave it empty to start at once: what arrived before cannot count.",
        )
    if not MIN_LENGTH <= end - start <= MAX_LENGTH:
        raise InvalidInputError(
            f"A run takes {MIN_LENGTH.days} to {MAX_LENGTH.days} days.",
            field="ends_at",
            remedy=f"The earliest end is {start + MIN_LENGTH:%Y-%m-%d %H:%M} UTC.",
        )
    if revision.expires_at is not None and end > revision.expires_at:
        raise InvalidInputError(
            f"The insight expires on {revision.expires_at:%Y-%m-%d %H:%M} UTC.",
            field="ends_at",
            remedy="Choose an earlier end, or revise it with a later expiry.",
        )


def _refuse_protected(revision: Revision, start: datetime) -> None:
    windows.lock()
    concerned = windows.of(shadowing.services_of(revision))
    window = windows.covering(concerned, start)
    if window is None:
        return
    free = windows.next_free(concerned, start)
    raise ProtectedWindowError(
        f"The start lies in a protected window of {wording.protects(window)}: {window.reason}.",
        field="starts_at",
        remedy=f"The next free moment is {free:%Y-%m-%d %H:%M:%S} UTC."
        if free
        else "There is no free moment within a year: an operator can end the window.",
    )
