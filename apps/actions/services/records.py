"""What every change of an action leaves behind: its history, the service's figure, the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.actions.errors import StaleActionError
from apps.actions.models import MAX_NOTE, MAX_USERNAME, ActionEvent, ActionItem
from apps.actions.trackers import waiting
from apps.audit import ledger, outbox
from apps.catalog.models import Service
from apps.common.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def hold_services(actions: Iterable[ActionItem]) -> None:
    """Lock the services of several actions before the first of them is written.

    Each `write` ends with the ledger's lock, after which a further service must not be waited for.
    """
    wanted = {action.service_id for action in actions if action.service_id is not None}
    list(Service.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk"))


def write(
    action: ActionItem,
    kind: str,
    actor: User | str,
    *,
    note: str = "",
    changes: dict[str, Any] | None = None,
    echo: bool = True,
) -> None:
    """History, issue, figure and ledger of one change; the ledger comes last.

    `actor` is somebody, or the name of a tracker and its person. Without `echo` the issue is not told: the
    change came from there.
    """
    name = actor if isinstance(actor, str) else actor.username
    event = ActionEvent.objects.create(
        action=action, kind=kind, actor=name[:MAX_USERNAME], note=note[:MAX_NOTE], changes=changes or {}
    )
    if echo:
        waiting.note(action, event)
    services = {action.service_id, *(changes or {}).get("service", [])} - {None}
    for service_id in sorted(services):
        _tell_figure(service_id, event)
    ledger.record(
        actor=name[:MAX_USERNAME],
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
