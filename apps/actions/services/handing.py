"""Many actions to one new owner, and back; targets of completion."""

from __future__ import annotations

import math
import uuid
from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import User
from apps.actions.errors import ActionStateError
from apps.actions.models import ActionEvent, ActionItem, CompletionTarget
from apps.actions.models.targets import LONGEST_ESCALATION
from apps.audit import ledger
from apps.catalog.models import Term
from apps.common.errors import InvalidInputError, NotFoundError

from . import checks, records, working

if TYPE_CHECKING:
    from collections.abc import Collection

MOST = 500


@transaction.atomic
def reassign_many(
    *, action_ids: Collection[int], owner: User | None, actor: User, note: str = ""
) -> tuple[str, int]:
    """Give several actions to one person, all or none; the batch, by which it is undone, and how many moved.

    Raises:
        InvalidInputError: none or more than 500 actions, no owner, somebody who has left, a note too long.
        NotFoundError: one of them is not there.
        ActionStateError: one of them is done or given up.
    """
    wanted = set(action_ids)
    if not 1 <= len(wanted) <= MOST:
        raise InvalidInputError(f"Choose 1 to {MOST} actions.", field="actions")
    new, said = checks.owner(owner), checks.note("note", note)
    actions = _locked(wanted, actor)
    if len(actions) < len(wanted):
        raise NotFoundError("One of these actions is not there.", field="actions")
    if finished := next((action for action in actions if not action.is_to_do), None):
        raise ActionStateError(f"Action {finished.pk} is finished: {finished.title}.", field="actions")
    batch = uuid.uuid4().hex
    moving = [action for action in actions if action.owner_id != new.pk]
    records.hold_services(moving)
    for action in moving:
        working.hand_over(action, new, actor, note=said, batch=batch)
    return batch, len(moving)


@transaction.atomic
def undo_reassign(*, batch: str, actor: User) -> tuple[int, int]:
    """Give back what was handed over together, also to somebody who has left; (given back, left as they are).

    An action that changed since, in whatever way, stays as it is.

    Raises:
        NotFoundError: there is no such batch.
    """
    events = {
        event.action_id: event
        for event in ActionEvent.objects.filter(kind=ActionEvent.Kind.REASSIGNED, changes__batch=batch)
    }
    if not events or not batch.isalnum():
        raise NotFoundError("There is nothing to undo.", field="batch")
    actions = _locked(set(events), actor)
    newest = dict(
        ActionEvent.objects.filter(action__in=actions)
        .order_by("action", "-pk")
        .distinct("action")
        .values_list("action", "pk")
    )
    same = [action for action in actions if newest[action.pk] == events[action.pk].pk]
    names = {events[action.pk].changes["owner"][0] for action in same}
    people = {person.username: person for person in User.objects.filter(username__in=names)}
    records.hold_services(same)
    for action in same:
        before = people[events[action.pk].changes["owner"][0]]
        working.hand_over(action, before, actor, note="Undone.")
    return len(same), len(events) - len(same)


@transaction.atomic
def set_target(*, tier: str, share: float, escalate_days: int, actor: User) -> CompletionTarget:
    """What share of the actions of a tier ("" none) should be done in time, and when delay is escalated.

    Raises:
        InvalidInputError: no such tier, not a share, not 1 to 180 days.
    """
    if tier and not Term.objects.filter(vocabulary="service_tier", code=tier).exists():
        raise InvalidInputError("There is no such tier.", field="tier")
    if not math.isfinite(share) or not 0 < share <= 1:
        raise InvalidInputError("More than nothing, at most all.", field="share")
    if not 1 <= escalate_days <= LONGEST_ESCALATION:
        raise InvalidInputError(f"1 to {LONGEST_ESCALATION} days.", field="escalate_days")
    target, _ = CompletionTarget.objects.update_or_create(
        tier=tier, defaults={"share": share, "escalate_days": escalate_days, "set_by": actor}
    )
    ledger.record(
        actor=actor.username,
        action="completion_target_set",
        object_type="completion_target",
        object_id=target.pk,
        data={"tier": tier, "share": share, "escalate_days": escalate_days},
    )
    return target


def _locked(pks: Collection[int], actor: User) -> list[ActionItem]:
    found = ActionItem.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk__in=pks)
    return list(found.select_related("owner").order_by("pk"))
