"""Opening an action item, and changing what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.actions.errors import ActionStateError
from apps.actions.models import ActionEvent, ActionItem, Kind

from . import checks, records

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User
    from apps.catalog.models import Service


@transaction.atomic
def open_action(
    *,
    title: str,
    owner: User | None,
    due_on: date,
    kind: str = Kind.MITIGATE,
    postmortem_id: int | None = None,
    insight_id: int | None = None,
    metric: str = "",
    direction: str = "",
    smallest_effect: float | None = None,
    rank: int | None = None,
    service: Service | None = None,
    created_by: User,
) -> ActionItem:
    """Note down one thing to do. `smallest_effect`: a share, for time to detect seconds.

    Raises:
        InvalidInputError: at the field that is missing or wrong.
    """
    action = ActionItem.objects.create(
        title=checks.title(title),
        owner=checks.owner(owner),
        due_on=checks.due(due_on),
        kind=checks.code("kind", kind, Kind),
        postmortem_id=checks.postmortem(postmortem_id, created_by),
        rank=checks.number("rank", rank, checks.MAX_RANK),
        service=service,
        created_by=created_by,
        **checks.aim(
            insight_id=insight_id,
            metric=metric,
            direction=direction,
            smallest_effect=smallest_effect,
            user=created_by,
        ),
    )
    records.write(
        action,
        ActionEvent.Kind.OPENED,
        created_by,
        changes={"owner": action.owner.username, "due_on": due_on.isoformat()},
    )
    return action


@transaction.atomic
def amend_action(*, action_id: int, seen_version: int, actor: User, **given: Any) -> ActionItem:
    """Change title, kind, due date, service, rank or how it is measured; what is not given stays.

    Raises:
        NotFoundError: no such action.
        StaleActionError: somebody else changed it since `seen_version`.
        ActionStateError: it is done or given up.
        InvalidInputError: at the field that is wrong, or at the aim of what was measured already. A due date
            that stays may have passed.
    """
    action = records.locked(action_id, actor, seen_version)
    if not action.is_to_do:
        raise ActionStateError(
            f"This action is {action.get_state_display().lower()}.", remedy="Open it again first."
        )
    before = _told(action)
    for name, value in _checked(action, given, actor).items():
        setattr(action, name, value)
    after = _told(action)
    changes = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if changes:
        records.keep(action)
        records.write(action, ActionEvent.Kind.AMENDED, actor, changes=changes)
    return action


def _checked(action: ActionItem, given: dict[str, Any], actor: User) -> dict[str, Any]:
    values = {name: given[name] for name in ("service",) if name in given}
    if "title" in given:
        values["title"] = checks.title(given["title"])
    if "kind" in given:
        values["kind"] = checks.code("kind", given["kind"], Kind)
    if "rank" in given:
        values["rank"] = checks.number("rank", given["rank"], checks.MAX_RANK)
    if "due_on" in given and given["due_on"] != action.due_on:
        values["due_on"] = checks.due(given["due_on"])
    aim = {
        name: given.get(name, getattr(action, name))
        for name in ("insight_id", "metric", "direction", "smallest_effect")
    }
    wanted = checks.aim(**aim, user=actor)
    checks.aim_stands(action, wanted)
    return {**values, **wanted}


def _told(action: ActionItem) -> dict[str, Any]:
    """What an amendment may change, as plain values."""
    return {
        "title": action.title,
        "kind": str(action.kind),
        "due_on": action.due_on.isoformat(),
        "service": action.service_id,
        "rank": action.rank,
        "insight_id": action.insight_id,
        "metric": str(action.metric),
        "direction": str(action.direction),
        "smallest_effect": action.smallest_effect,
    }
