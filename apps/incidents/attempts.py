"""Tries to end the harm: telling of one, and which incidents a program ended without a human."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.audit import ledger, outbox
from apps.catalog.models import Term
from apps.common.errors import InvalidInputError, NotFoundError

from . import checking
from .codes import EventKind, State, TimeKind
from .models import MAX_SOURCE, Incident, RemediationAttempt

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

CLOSED_WITHIN = timedelta(minutes=30)
"""T of the definition: a try counts as a success only where the incident ended this soon after it began."""
STAYS_CLOSED = timedelta(hours=24)
ENDED_STATES = frozenset({State.MITIGATED, State.RESOLVED, State.LEARNING, State.CLOSED})
AT_WORK = frozenset({State.TRIAGE, State.INVESTIGATING, State.IDENTIFIED})


@transaction.atomic
def tell_attempt(
    *,
    incident_id: int,
    remediation: str,
    automated: bool,
    started_at: datetime,
    reference: str,
    by: User,
    outcome: str = RemediationAttempt.Outcome.UNKNOWN,
) -> RemediationAttempt:
    """Keep one try at an incident. The same `reference` told again is the try that is kept already.

    Raises:
        NotFoundError: no such incident.
        InvalidInputError: an unknown remediation or outcome, no reference, or a start in the future.
    """
    incident = Incident.objects.visible_to(by).filter(pk=incident_id).first()
    if incident is None:
        raise NotFoundError(f"There is no incident {incident_id}.", field="id")
    name = checking.text("reference", reference, required=True, longest=MAX_SOURCE)
    if started_at > timezone.now():
        raise InvalidInputError("The try has not begun yet.", field="started_at")
    if outcome not in RemediationAttempt.Outcome.values:
        raise InvalidInputError(
            f"Choose one of: {', '.join(RemediationAttempt.Outcome.values)}.", field="outcome"
        )
    attempt, is_new = RemediationAttempt.objects.get_or_create(
        incident=incident,
        reference=name,
        defaults={
            "remediation": _term(remediation),
            "automated": automated,
            "started_at": started_at,
            "outcome": outcome,
            "by": by,
        },
    )
    if is_new:
        ledger.record(
            actor=by.username,
            action="remediation_attempted",
            object_type="incident",
            object_id=incident.pk,
            data={"remediation": remediation, "automated": automated, "reference": name},
        )
        outbox.add(kind="incidents.changed", key=f"attempt:{attempt.pk}", payload={"incident": incident.pk})
    return attempt


def _term(code: str) -> Term:
    known = Term.objects.filter(vocabulary="remediation", retired=False)
    found = known.filter(code=code).first()
    if found is None:
        names = ", ".join(known.order_by("position", "pk").values_list("code", flat=True))
        raise InvalidInputError(
            f"There is no remediation {code!a}."[:300], field="remediation", remedy=f"Use one of: {names}."
        )
    return found


@dataclass(frozen=True)
class Tried:
    """One incident and its automation: `attempted`, and whether it `succeeded`."""

    attempted: bool
    succeeded: bool


def success_of(incident: Incident) -> Tried:
    """Whether a program tried to end the incident, and did: closed within 30 minutes of a try, nobody had
    acknowledged it or tried by hand until then, and it was not taken up again for 24 hours.

    Reads `attempts`, `times` and `events`; free of queries where those are prefetched.
    """
    tries = list(incident.attempts.all())
    automated = [one for one in tries if one.automated]
    closed = _closed_at(incident)
    if not automated or closed is None:
        return Tried(attempted=bool(automated), succeeded=False)
    in_time = any(one.started_at <= closed <= one.started_at + CLOSED_WITHIN for one in automated)
    answered = incident.time(TimeKind.ACKNOWLEDGED).at
    by_hand = (answered is not None and answered <= closed) or any(
        not one.automated and one.started_at <= closed for one in tries
    )
    return Tried(attempted=True, succeeded=in_time and not by_hand and not _taken_up(incident, closed))


def _closed_at(incident: Incident) -> datetime | None:
    """When it first ended: by its times, or where it was taken up again since, by the change of state."""
    moves = _moves(incident)
    first = next((at for at, after in moves if after in ENDED_STATES), None)
    if first is not None and any(at > first and after in AT_WORK for at, after in moves):
        return first
    return incident.time(TimeKind.RESOLVED).at or incident.time(TimeKind.MITIGATED).at


def _taken_up(incident: Incident, closed: datetime) -> bool:
    return any(after in AT_WORK and closed < at <= closed + STAYS_CLOSED for at, after in _moves(incident))


def _moves(incident: Incident) -> list[tuple[datetime, str]]:
    """Changes of state, the first one first."""
    found = []
    for event in sorted(incident.events.all(), key=lambda one: one.version):
        change = event.change("state") if event.kind == EventKind.STATE else None
        if change is not None:
            found.append((event.at, str(change["after"])))
    return found
