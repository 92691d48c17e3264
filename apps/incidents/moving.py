"""Moving incidents from state to state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.common.errors import InvalidInputError, NotFoundError

from . import checking, keeping
from .codes import NEEDS_REASON, EventKind, State, TimeKind, TimeStatus, next_states
from .errors import StateError
from .metrics import TimeValue

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

    from .models import Incident

ENDS = {State.MITIGATED: TimeKind.MITIGATED, State.RESOLVED: TimeKind.RESOLVED}


@transaction.atomic
def change_state(
    *,
    incident_id: int,
    state: str,
    actor: User,
    note: str = "",
    at: datetime | None = None,
    merged_into: int | None = None,
    seen_version: int | None = None,
) -> Incident:
    """Move an incident on (see `codes.TRANSITIONS`).

    `at` records when it was mitigated or resolved, together with the new state. Declining and canceling need
    a `note` that says why; merging needs the number of the incident that goes on.

    Raises:
        NotFoundError: no such incident.
        StateError: that state cannot follow the present one.
        StaleError: `seen_version` is given and no longer the newest.
        InvalidInputError: a missing reason, a time that fits no state, or nothing to merge into.
    """
    wanted = State(checking.code("state", state, State))
    incident, target = _locked_pair(incident_id, merged_into if wanted == State.MERGED else None)
    if seen_version is not None:
        keeping.refuse_stale(incident, seen_version)
    if wanted not in next_states(incident.state):
        raise StateError(
            f"An incident that is {incident.state} cannot become {wanted}.",
            field="state",
            remedy=f"Next may be {', '.join(next_states(incident.state))}.",
        )
    reason = checking.text("note", note, required=wanted in NEEDS_REASON)
    before = checking.snapshot(incident)
    if at is not None:
        keeping.store_times(incident, _with_end(incident, wanted, at))
    if wanted == State.MERGED and target is None:
        raise InvalidInputError("Into which incident is it merged?", field="merged_into")
    was = incident.state
    incident.state, incident.merged_into = wanted, target
    moved: list[dict[str, object]] = [{"field": "state", "before": was, "after": str(wanted)}]
    if target is not None:
        moved.append({"field": "merged_into", "before": None, "after": target.pk})
    keeping.save(
        incident,
        before,
        EventKind.STATE,
        by=actor,
        note=reason,
        more=moved,
        moved={incident.service_id},
    )
    return incident


def _with_end(incident: Incident, wanted: State, at: datetime) -> dict[str, TimeValue]:
    kind = ENDS.get(wanted)
    if kind is None:
        raise InvalidInputError("Only the states mitigated and resolved have a time.", field="at")
    given: dict[str, TimeValue] = {kind: TimeValue(TimeStatus.RECORDED, at, "change of state")}
    try:
        whole = {**incident.times_by_kind(), **checking.times(given, now=timezone.now())}
        checking.in_order(whole)
    except InvalidInputError as error:
        error.field = "at"
        raise
    return whole


def _locked_pair(incident_id: int, target_id: int | None) -> tuple[Incident, Incident | None]:
    """Both, locked in the order of their numbers, so that two merges at once do not wait for each other."""
    if target_id is None:
        return keeping.locked(incident_id), None
    if target_id == incident_id:
        raise InvalidInputError("An incident cannot be merged into itself.", field="merged_into")
    try:
        found = {pk: keeping.locked(pk) for pk in sorted({incident_id, target_id})}
    except NotFoundError as error:
        if error.detail == f"There is no incident {target_id}.":
            raise InvalidInputError(error.detail, field="merged_into") from error
        raise
    if found[target_id].state == State.MERGED:
        raise InvalidInputError(
            f"Incident {target_id} has itself been merged.",
            field="merged_into",
            remedy=f"Name incident {found[target_id].merged_into_id}, into which it went.",
        )
    return found[incident_id], found[target_id]
