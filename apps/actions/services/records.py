"""What every change of an action leaves behind: its history, the service's figure, the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.actions.errors import StaleActionError
from apps.actions.models import ActionEvent, ActionItem
from apps.audit import ledger, outbox
from apps.catalog.models import Service
from apps.common.errors import NotFoundError

if TYPE_CHECKING:
    from apps.accounts.models import User

FACTS_KIND = "features.facts"
VIEW = "service_history"


def locked(action_id: int, actor: User, seen_version: int | None = None) -> ActionItem:
    """The action, held against rivals until the transaction ends.

    Raises:
        NotFoundError: no such action for this person.
        StaleActionError: it is not at `seen_version` any more.
    """
    found = ActionItem.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=action_id).first()
    if found is None:
        raise NotFoundError(f"There is no action {action_id}.", field="id")
    if seen_version is not None and found.version != seen_version:
        raise StaleActionError(
            "Somebody else changed this action meanwhile. Nothing of yours was saved over it.",
            remedy="Compare with what is there now, then save again.",
        )
    return found


def keep(action: ActionItem) -> None:
    """Write a changed action at its next version."""
    action.version += 1
    action.save()


def write(
    action: ActionItem, kind: str, actor: User, *, note: str = "", changes: dict[str, Any] | None = None
) -> None:
    """History, figure and ledger of one change; the ledger comes last."""
    event = ActionEvent.objects.create(
        action=action, kind=kind, actor=actor.username, note=note, changes=changes or {}
    )
    services = {action.service_id, *(changes or {}).get("service", [])} - {None}
    for service_id in sorted(services):
        _tell_figure(service_id, event)
    ledger.record(
        actor=actor.username,
        action=f"action_{kind}",
        object_type="action",
        object_id=action.pk,
        data={"version": action.version, "note": note, "changes": changes or {}},
    )


def _tell_figure(service_id: int, event: ActionEvent) -> None:
    """Send the number of open actions of a service to its history; one writer of a service at a time."""
    service = Service.objects.select_for_update(no_key=True).get(pk=service_id)
    count = ActionItem.objects.to_do().filter(service=service).count()
    outbox.add(
        kind=FACTS_KIND,
        key=f"actions:{event.pk}:{service.slug}",
        payload={"view": VIEW, "entity": service.slug, "values": {"open_actions": count}},
    )
