"""Drafts: opened, saved as one types, merged when two people type, never losing a word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from apps.audit import ledger
from apps.common.errors import InvalidInputError, NotFoundError
from apps.incidents.models import Incident
from apps.postmortems import content
from apps.postmortems.errors import DraftClosedError
from apps.postmortems.merge import merge
from apps.postmortems.models import Draft, DraftHistory, Postmortem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User
    from apps.postmortems.merge import Conflict, Path

HISTORY_EVERY = timedelta(minutes=1)
MAX_INCIDENT_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Saved:
    """The draft after a save. With `conflicts` nothing was changed; `taken` are fields that others wrote.

    `before` is whoever had saved last, which is who wrote what was taken or collides.
    """

    draft: Draft
    before: User
    conflicts: tuple[Conflict, ...] = ()
    taken: tuple[Path, ...] = ()


@transaction.atomic
def open_draft(*, author: User, incident_id: int | None = None, amends_id: int | None = None) -> Draft:
    """A new draft, filled with what an incident or the version to be amended says.

    Raises:
        NotFoundError: no such incident or postmortem.
    """
    incident = amends = None
    data: dict[str, Any] = {"kind": "incident"}
    if amends_id is not None:
        amends = Postmortem.objects.visible_to(author).with_parts().filter(pk=amends_id).first()
        if amends is None:
            raise NotFoundError(f"There is no postmortem {amends_id}.", field="amends")
        incident, data = amends.incident, content.of_postmortem(amends)
    elif incident_id is not None:
        visible = Incident.objects.visible_to(author).with_times()
        incident = visible.select_related("service__tier").filter(pk=incident_id).first()
        if incident is None:
            raise NotFoundError(f"There is no incident {incident_id}.", field="incident")
        data = content.of_incident(incident)
    draft = Draft.objects.create(
        author=author, updated_by=author, incident=incident, amends=amends, data=data
    )
    ledger.record(
        actor=author.username, action="draft_opened", object_type="postmortem_draft", object_id=draft.pk
    )
    return draft


@transaction.atomic
def save_draft(
    *, draft_id: int, step: str, mine: Mapping[str, Any], base: Mapping[str, Any], editor: User
) -> Saved:
    """Save one step's part. `base` is that part as the editor got it, `mine` as it is now.

    What others changed since is merged in. Where both changed the same field to different things, nothing is
    saved and the conflicts are returned; saving again with their values in `base` decides.

    Raises:
        NotFoundError: no such draft, or not for this person.
        DraftClosedError: it was filed or discarded meanwhile.
        InvalidInputError: text that cannot be kept (NUL, half a surrogate pair, far too long).
    """
    draft = locked(draft_id, editor)
    faults = content.unstorable(dict(mine))
    if faults:
        path, text = faults[0]
        raise InvalidInputError(text, field=".".join(str(name) for name in path))
    theirs = content.part(draft.data, step)
    before = draft.updated_by
    done = merge(_like(theirs, base), dict(mine), theirs)
    if done.conflicts:
        _set_aside(draft, {**draft.data, **done.data}, editor)
        return Saved(draft, before, tuple(done.conflicts), tuple(done.taken))
    if done.data != theirs:
        _keep(draft, {**draft.data, **done.data}, editor, step)
    return Saved(draft, before, taken=tuple(done.taken))


@transaction.atomic
def restore_draft(*, draft_id: int, history_id: int, editor: User) -> Draft:
    """Bring an earlier version of a draft back, as its next one.

    Raises:
        NotFoundError: no such draft or version.
        DraftClosedError: it was filed or discarded.
    """
    draft = locked(draft_id, editor)
    kept = DraftHistory.objects.filter(draft=draft, pk=history_id).first()
    if kept is None:
        raise NotFoundError("There is no such version of this draft.")
    if kept.data != draft.data:
        _snapshot(draft)
        _keep(draft, kept.data, editor, draft.step)
    return draft


@transaction.atomic
def discard_draft(*, draft_id: int, editor: User) -> Draft:
    """Put a draft away. It is kept, and listed no more.

    Raises:
        NotFoundError: no such draft.
        DraftClosedError: it was filed or discarded before.
    """
    draft = locked(draft_id, editor)
    draft.state = Draft.State.DISCARDED
    draft.save(update_fields=["state"])
    ledger.record(
        actor=editor.username, action="draft_discarded", object_type="postmortem_draft", object_id=draft.pk
    )
    return draft


def locked(draft_id: int, editor: User) -> Draft:
    """The open draft, locked for this transaction.

    Raises:
        NotFoundError: no such draft, or not for this person.
        DraftClosedError: it was filed or discarded.
    """
    # No join here: a row that got another `updated_by` while this transaction waited would be lost.
    draft = Draft.objects.visible_to(editor).select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise NotFoundError(f"There is no draft {draft_id}.")
    if draft.state != Draft.State.OPEN:
        raise DraftClosedError(
            "This draft has been filed or discarded meanwhile.", remedy="Amend the filed version instead."
        )
    return draft


def _keep(draft: Draft, data: dict[str, Any], editor: User, step: str) -> None:
    now = timezone.now()
    last = draft.history.filter(kind=DraftHistory.Kind.SAVED).first()
    if editor.pk != draft.updated_by_id or last is None or now - last.saved_at >= HISTORY_EVERY:
        _snapshot(draft)
    draft.data, draft.step, draft.version = data, step, draft.version + 1
    draft.updated_by, draft.updated_at = editor, now
    draft.incident = _incident(data.get("incident"), editor)
    draft.save()


def _set_aside(draft: Draft, data: dict[str, Any], editor: User) -> None:
    """Keep what could not be saved, once: whoever takes the other's words may come back to their own."""
    kept = DraftHistory.objects.filter(draft=draft, editor=editor, kind=DraftHistory.Kind.SET_ASIDE).first()
    if kept is None or kept.data != data:
        DraftHistory.objects.create(
            draft=draft,
            kind=DraftHistory.Kind.SET_ASIDE,
            version=draft.version,
            editor=editor,
            data=data,
            saved_at=timezone.now(),
        )


def _snapshot(draft: Draft) -> None:
    """Keep the draft as it is now."""
    DraftHistory.objects.get_or_create(
        draft=draft,
        kind=DraftHistory.Kind.SAVED,
        version=draft.version,
        defaults={"editor_id": draft.updated_by_id, "data": draft.data, "saved_at": timezone.now()},
    )


def _incident(typed: Any, reader: User) -> Incident | None:
    """The incident of this number if there is one; filing says it if not."""
    text = str(typed or "")
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_INCIDENT_DIGITS):
        return None
    return Incident.objects.visible_to(reader).filter(pk=int(text)).first()


def _like(current: dict[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """What the editor says to have started from; an empty field where that is missing or has another form."""
    return {
        key: base[key] if isinstance(base.get(key), type(value)) else content.empty(key)
        for key, value in current.items()
    }
