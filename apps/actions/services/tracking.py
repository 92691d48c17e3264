"""Trackers: add one, try it, say who is who there, remove it."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.actions.models import Tracker, TrackerPerson
from apps.actions.models.trackers import MAX_LOGIN, MAX_TRACKER_NAME, MAX_URL
from apps.actions.trackers import guarded
from apps.actions.trackers.clients import client_of
from apps.actions.trackers.issues import TrackerError
from apps.audit import ledger
from apps.common.errors import DomainError, InvalidInputError, NotFoundError
from apps.common.sealing import seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User

PROJECTS = {
    Tracker.Kind.GITHUB: (re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}"), "owner/repository"),
    Tracker.Kind.JIRA: (re.compile(r"[A-Z][A-Z0-9_]{1,49}"), "a project key such as OPS"),
}
USUAL_URL = "https://api.github.com"
MAX_TOKEN = 1000


class TrackerTakenError(DomainError):
    """There is a tracker of this name."""

    code = "tracker_taken"


def add_tracker(
    *,
    name: str,
    kind: str,
    base_url: str,
    project: str,
    token: str,
    account: str = "",
    issue_type: str = "Task",
    actor: User,
) -> tuple[Tracker, str]:
    """A tracker, and the secret of its webhook, which is never shown again.

    Raises:
        InvalidInputError: at the field that is wrong; a host inside is one.
        TrackerTakenError: another has this name.
    """
    if kind not in Tracker.Kind.values:
        raise InvalidInputError(f"Choose one of: {', '.join(Tracker.Kind.values)}.", field="kind")
    pattern, form = PROJECTS[Tracker.Kind(kind)]
    if not pattern.fullmatch(project.strip()) or ".." in project:
        raise InvalidInputError(f"Write it as {form}.", field="project")
    address = _line("base_url", base_url, MAX_URL).rstrip("/")
    guarded.check_address(address)  # asks the name server: before the transaction
    values = {
        "name": _line("name", name, MAX_TRACKER_NAME),
        "account": _line("account", account, MAX_LOGIN, optional=True),
        "issue_type": _line("issue_type", issue_type or "Task", 60),
        "token": seal(_ascii("token", _line("token", token, MAX_TOKEN))),
    }
    return _add(values, kind=kind, base_url=address, project=project.strip(), actor=actor)


@transaction.atomic
def _add(
    values: dict[str, str], *, kind: str, base_url: str, project: str, actor: User
) -> tuple[Tracker, str]:
    ledger_data = {"kind": kind, "base_url": base_url, "project": project, "name": values["name"]}
    if Tracker.objects.filter(name=values["name"], removed_at=None).exists():
        raise TrackerTakenError("There is a tracker of this name.", field="name")
    secret = secrets.token_urlsafe(32)
    made = Tracker.objects.create(
        kind=kind, base_url=base_url, project=project, hook_secret=seal(secret), created_by=actor, **values
    )
    _record("tracker_added", made, actor, ledger_data)
    return made, secret


def try_tracker(*, tracker_id: int, actor: User) -> str:
    """Ask the tracker for its project, and keep what came of it; the project's own name.

    Raises:
        NotFoundError: no such tracker.
        TrackerError: it cannot be reached, or says no.
    """
    tracker = live(tracker_id)
    try:
        found = client_of(tracker).check()
    except TrackerError as error:
        _tried(tracker, actor, error.detail)
        raise
    _tried(tracker, actor, "")
    return found


@transaction.atomic
def _tried(tracker: Tracker, actor: User, fault: str) -> None:
    Tracker.objects.filter(pk=tracker.pk).update(tested_at=timezone.now(), fault=fault[:500])
    _record("tracker_tried", tracker, actor, {"fault": fault[:500]})


@transaction.atomic
def name_people(*, tracker_id: int, logins: Mapping[int, str], actor: User) -> None:
    """Who our people are there: {person: login}, "" for nobody. Those not named stay as they are.

    Raises:
        NotFoundError: no such tracker.
        InvalidInputError: at `login-<person>`, one that is too long or stands for somebody else.
    """
    tracker = live(tracker_id, lock=True)
    for person_id, given in sorted(logins.items()):
        login = _line(f"login-{person_id}", given, MAX_LOGIN, optional=True)
        others = TrackerPerson.objects.filter(tracker=tracker).exclude(person=person_id)
        if login and others.filter(login=login).exclude(person__in=logins).exists():
            raise InvalidInputError("This is somebody else there.", field=f"login-{person_id}")
    wanted = {person: given.strip() for person, given in logins.items() if given.strip()}
    if len(set(wanted.values())) < len(wanted):
        raise InvalidInputError("Two people cannot be the same one there.", field=f"login-{max(wanted)}")
    TrackerPerson.objects.filter(tracker=tracker, person__in=logins).delete()
    TrackerPerson.objects.bulk_create(
        TrackerPerson(tracker=tracker, person_id=person, login=login) for person, login in wanted.items()
    )
    _record("tracker_people_named", tracker, actor, {"people": len(wanted)})


@transaction.atomic
def remove_tracker(*, tracker_id: int, actor: User) -> None:
    """End it: no more calls, its webhook is gone, its secrets are wiped. Links stay as a record.

    Raises:
        NotFoundError: no such tracker.
    """
    tracker = live(tracker_id, lock=True)
    tracker.removed_at = timezone.now()
    tracker.token = tracker.hook_secret = ""
    tracker.save()
    tracker.links.filter(removed_at=None).update(removed_at=tracker.removed_at, pending={}, retry_at=None)
    _record("tracker_removed", tracker, actor, {"name": tracker.name})


def live(tracker_id: int, *, lock: bool = False) -> Tracker:
    """A tracker that was not removed.

    Raises:
        NotFoundError: there is none of this number.
    """
    known = Tracker.objects.filter(pk=tracker_id, removed_at=None)
    found = (known.select_for_update() if lock else known).first()
    if found is None:
        raise NotFoundError("There is no such tracker.", field="tracker")
    return found


def _line(field: str, text: str, longest: int, *, optional: bool = False) -> str:
    found = text.strip()
    if not found and not optional:
        raise InvalidInputError("This is needed.", field=field)
    if len(found) > longest or (found and not found.isprintable()):
        raise InvalidInputError(f"One line of at most {longest} characters.", field=field)
    return found


def _ascii(field: str, text: str) -> str:
    """What fits into a header."""
    if not text.isascii() or " " in text:
        raise InvalidInputError("A token has neither spaces nor letters with accents.", field=field)
    return text


def _record(action: str, tracker: Tracker, actor: User, data: Mapping[str, object]) -> None:
    ledger.record(
        actor=actor.username, action=action, object_type="tracker", object_id=tracker.pk, data=dict(data)
    )
