"""What happens to an action after it was opened: handed over, started, done, dropped, taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from apps.actions.errors import ActionStateError
from apps.actions.models import GIVEN_UP, ActionEvent, ActionItem, State
from apps.audit import outbox
from apps.common.errors import InvalidInputError

from . import checks, records

if TYPE_CHECKING:
    from apps.accounts.models import User

JUDGE_KIND = "impact.judge_action"


@transaction.atomic
def reassign(*, action_id: int, owner: User | None, actor: User, note: str = "") -> ActionItem:
    """Give the action to somebody else; to its owner is no change.

    Raises:
        NotFoundError: no such action.
        ActionStateError: it is done or given up.
        InvalidInputError: nobody, a service account or a person who has left; a note that is too long.
    """
    action = _to_do(action_id, actor)
    new, said = checks.owner(owner), checks.note("note", note)
    if new.pk != action.owner_id:
        hand_over(action, new, actor, note=said)
    return action


def hand_over(action: ActionItem, owner: User, actor: User, *, note: str = "", batch: str = "") -> None:
    """A locked action gets another owner; `batch` marks what was handed over together. A plain step."""
    old, action.owner = action.owner.username, owner
    records.keep(action)
    changes: dict[str, Any] = {"owner": [old, owner.username]} | ({"batch": batch} if batch else {})
    records.write(action, ActionEvent.Kind.REASSIGNED, actor, note=note, changes=changes)


@transaction.atomic
def start(*, action_id: int, actor: User) -> ActionItem:
    """Say that work has begun; twice is once.

    Raises:
        NotFoundError: no such action.
        ActionStateError: it is done or given up.
    """
    action = _to_do(action_id, actor)
    if action.state != State.IN_PROGRESS:
        action.state = State.IN_PROGRESS
        records.keep(action)
        records.write(action, ActionEvent.Kind.STARTED, actor)
    return action


@transaction.atomic
def mark_done(*, action_id: int, actor: User, note: str = "") -> ActionItem:
    """Note that it is done, when and by whom, and have its effect measured, once for each time it is done.

    Raises:
        NotFoundError: no such action.
        ActionStateError: it is done already, or given up.
        InvalidInputError: the note is too long or not plain text.
    """
    action = _to_do(action_id, actor)
    said = checks.note("note", note)
    finish(action, actor)
    records.write(action, ActionEvent.Kind.DONE, actor, note=said)
    return action


@transaction.atomic
def drop_action(*, action_id: int, reason: str, actor: User, state: str = State.NOT_DOING) -> ActionItem:
    """Say that it will not be done (`not_doing`), or that there is no need any more (`cancelled`), and why.

    Raises:
        NotFoundError: no such action.
        ActionStateError: it is done or given up already.
        InvalidInputError: no reason, or a state that is neither of the two.
    """
    action = _to_do(action_id, actor)
    if state not in GIVEN_UP:
        raise InvalidInputError(f"Choose one of: {', '.join(GIVEN_UP)}.", field="state")
    action.reason = checks.note("reason", reason, needed=True)
    action.state = state
    records.keep(action)
    records.write(action, ActionEvent.Kind.DROPPED, actor, note=action.reason)
    return action


@transaction.atomic
def reopen(*, action_id: int, actor: User, note: str = "") -> ActionItem:
    """Take up again what was done or given up. Its history and verdicts stay.

    Raises:
        NotFoundError: no such action.
        ActionStateError: it is open.
        InvalidInputError: the note is too long or not plain text.
    """
    action = records.locked(action_id, actor)
    if action.is_to_do:
        raise ActionStateError("This action is open.")
    said = checks.note("note", note)
    was = open_again(action)
    records.write(action, ActionEvent.Kind.REOPENED, actor, note=said, changes={"state": [was, "open"]})
    return action


def finish(action: ActionItem, by: User) -> None:
    """A locked action becomes done, and its effect is asked to be measured. A plain step of a service."""
    action.state = State.DONE
    action.done_at, action.done_by = timezone.now(), by
    action.turn += 1
    records.keep(action)
    outbox.add(
        kind=JUDGE_KIND,
        key=f"{action.pk}:{action.turn}",
        payload={"action": action.pk, "turn": action.turn},
    )


def open_again(action: ActionItem) -> str:
    """A locked action becomes open; returns the state that it was in. A plain step of a service."""
    was, action.state = str(action.state), State.OPEN
    action.done_at = action.done_by = None
    action.reason = ""
    records.keep(action)
    return was


def _to_do(action_id: int, actor: User) -> ActionItem:
    action = records.locked(action_id, actor)
    if action.is_to_do:
        return action
    by = f" by {action.done_by.username}" if action.done_by else ""
    raise ActionStateError(
        f"This action is {action.get_state_display().lower()}{by} already.", remedy="Open it again first."
    )
