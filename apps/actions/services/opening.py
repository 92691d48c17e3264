"""Opening an action item, and changing what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.actions.errors import ActionStateError
from apps.actions.models import CRITERION, ActionEvent, ActionItem, Kind

from . import checks, criteria, records

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
    population: dict[str, list[str]] | None = None,
    window_days: int | None = None,
    settle_days: int | None = None,
    test: str = "",
    rank: int | None = None,
    service: Service | None = None,
    created_by: User,
) -> ActionItem:
    """Note down one thing to do, and how it will be judged: see `ActionItem` and `criteria.checked`.

    Raises:
        InvalidInputError: at the field that is missing or wrong.
    """
    criterion = criteria.checked(
        {
            "insight_id": insight_id,
            "metric": metric,
            "direction": direction,
            "smallest_effect": smallest_effect,
            "population": population,
            "window_days": window_days,
            "settle_days": settle_days,
            "test": test,
        },
        service=service,
        user=created_by,
    )
    action = ActionItem.objects.create(
        title=checks.title(title),
        owner=checks.owner(owner),
        due_on=checks.due(due_on),
        kind=checks.code("kind", kind, Kind),
        postmortem_id=checks.postmortem(postmortem_id, created_by),
        rank=checks.number("rank", rank, checks.MAX_RANK),
        service=service,
        created_by=created_by,
        criterion_registered_at=criteria.registered(None, criterion),
        **criterion,
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
    """Change title, kind, due date, service, rank or the criterion; what is not given stays.

    A changed criterion is registered anew; the one before stays in the history.

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
    return {**values, **_criterion(action, given, values.get("service", action.service), actor)}


def _criterion(
    action: ActionItem, given: dict[str, Any], service: Service | None, actor: User
) -> dict[str, Any]:
    """The criterion as it should be now; of another metric, what is not given has that metric's defaults."""
    kept: dict[str, Any] = {name: getattr(action, name) for name in CRITERION}
    if "metric" in given and given["metric"] != action.metric:
        kept = {name: kept[name] for name in ("insight_id", "direction", "smallest_effect")}
    asked = {name: given[name] for name in CRITERION if name in given}
    wanted = criteria.checked({**kept, **asked}, service=service, user=actor)
    criteria.stands(action, wanted)
    return {**wanted, "criterion_registered_at": criteria.registered(action, wanted)}


def _told(action: ActionItem) -> dict[str, Any]:
    """What an amendment may change, as plain values."""
    return {
        "title": action.title,
        "kind": str(action.kind),
        "due_on": action.due_on.isoformat(),
        "service": action.service_id,
        "rank": action.rank,
        **{name: _plain(getattr(action, name)) for name in CRITERION},
    }


def _plain(value: Any) -> Any:
    """A member of an enumeration as its text, for JSON."""
    return str(value) if isinstance(value, str) else value
