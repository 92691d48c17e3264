"""What trackers tell us: signed deliveries, each taken once, the later change of a field winning.

Ours stays ours: the criterion is never touched, and an issue that was closed without being done waits here
for a reason instead of dropping the action.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.actions.models import (
    ActionEvent,
    ActionItem,
    IssueLink,
    State,
    Tracker,
    TrackerDelivery,
    TrackerPerson,
)
from apps.actions.trackers import github, jira
from apps.actions.trackers.pushing import said_state
from apps.common import strict_json
from apps.common.errors import DomainError, InvalidInputError, NotFoundError
from apps.common.sealing import UnsealingError, unseal
from apps.notices.services import tell

from . import checks, records, working

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable, Mapping

    from apps.accounts.models import User
    from apps.actions.trackers.issues import Told

RATE = 300  # deliveries of one tracker in a minute
MAX_DELIVERY = 100
REASON_KIND = "actions.needs_reason"
DUPLICATE = "taken already"
NOT_LINKED = "no action is linked to it"
Kind = ActionEvent.Kind


class WrongSignatureError(DomainError):
    """Not signed, or not by the secret of this tracker."""

    code = "wrong_signature"
    status = 401


class ReplayedError(DomainError):
    """A body that was taken before comes under a new identifier."""

    code = "replayed"
    status = 409


class TooManyDeliveriesError(DomainError):
    """More than the bound of a minute."""

    code = "too_many"
    status = 429


@transaction.atomic
def take_delivery(*, key: uuid.UUID, headers: Mapping[str, str], body: bytes) -> str:
    """Verify, remember and apply one delivery; what came of it in words. A repeated one changes nothing.

    Raises:
        NotFoundError: no such tracker.
        WrongSignatureError: not signed by its secret.
        ReplayedError: this body was taken under another identifier.
        TooManyDeliveriesError: more than 300 in a minute.
        InvalidInputError, ParseError: not the documented form.
    """
    # Locked: deliveries of one tracker are taken one after the other.
    tracker = Tracker.objects.select_for_update(no_key=True).filter(key=key, removed_at=None).first()
    if tracker is None:
        raise NotFoundError("There is no such page.")
    _verify(tracker, headers, body)
    digest = hashlib.sha256(body).hexdigest()
    delivery = _identifier(tracker, headers, digest)
    taken = TrackerDelivery.objects.filter(tracker=tracker)
    if taken.filter(delivery=delivery).exists():
        return DUPLICATE
    if taken.filter(digest=digest).exists():
        raise ReplayedError("This body was delivered before, under another identifier.")
    if taken.filter(received_at__gt=timezone.now() - timedelta(minutes=1)).count() >= RATE:
        raise TooManyDeliveriesError(f"More than {RATE} deliveries in a minute.")
    told = _told(tracker, headers, body)
    outcome = _apply(tracker, told)
    TrackerDelivery.objects.create(
        tracker=tracker, delivery=delivery, digest=digest, event=told.event[:60], outcome=outcome[:300]
    )
    return outcome


def _verify(tracker: Tracker, headers: Mapping[str, str], body: bytes) -> None:
    name = "X-Hub-Signature-256" if tracker.kind == Tracker.Kind.GITHUB else "X-Hub-Signature"
    given = headers.get(name, "")
    try:
        secret = unseal(tracker.hook_secret)
    except UnsealingError as exc:
        raise WrongSignatureError("The installation's key was changed; add the tracker anew.") from exc
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape")):
        raise WrongSignatureError(f"{name} does not fit the body.")


def _identifier(tracker: Tracker, headers: Mapping[str, str], digest: str) -> str:
    name = "X-GitHub-Delivery" if tracker.kind == Tracker.Kind.GITHUB else "X-Atlassian-Webhook-Identifier"
    given = headers.get(name, "")
    if tracker.kind == Tracker.Kind.GITHUB and not given:
        raise InvalidInputError(f"The header {name} is missing.")
    if len(given) > MAX_DELIVERY or not given.isprintable():
        raise InvalidInputError(f"The header {name} is too long.")
    return given or digest  # Jira Data Center sends no identifier


def _told(tracker: Tracker, headers: Mapping[str, str], body: bytes) -> Told:
    parsed = strict_json.loads(body)
    try:
        if tracker.kind == Tracker.Kind.GITHUB:
            told = github.told(headers.get("X-GitHub-Event", ""), parsed)
        else:
            told = jira.told(parsed, tracker.base_url)
        if told.at:
            datetime.fromisoformat(told.at)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as exc:
        raise InvalidInputError("The body does not have the documented form of this event.") from exc
    return told


def _apply(tracker: Tracker, told: Told) -> str:
    if told.issue is None:
        return "nothing about an issue"
    found = _link(tracker, told)
    if found is None:
        return NOT_LINKED
    action = ActionItem.objects.select_for_update(of=("self",)).get(pk=found.action_id)
    link = IssueLink.objects.select_for_update(of=("self",)).get(pk=found.pk)
    records.hold_services([action])
    outcome = _Mirror(tracker, link, action, told).apply()
    link.key = told.issue.key
    link.url = told.issue.url or link.url
    link.remote_title, link.remote_state = told.issue.title[:300], said_state(told.issue)
    link.synced_at = timezone.now()
    link.error = "The issue was removed there." if told.gone else ""
    link.save()
    return outcome


def _link(tracker: Tracker, told: Told) -> IssueLink | None:
    """By its key; a new issue of ours by its marker, should its news outrun the answer to our call."""
    live = IssueLink.objects.filter(tracker=tracker, removed_at=None)
    if told.issue is not None and (found := live.filter(key=told.issue.key).first()):
        return found
    waiting = live.filter(key="") if told.text else live.none()
    return next((link for link in waiting if f"aftercast-{link.marker.hex}" in told.text), None)


class _Mirror:
    """One delivery, one action: each field that changed there, if it is the later change."""

    def __init__(self, tracker: Tracker, link: IssueLink, action: ActionItem, told: Told) -> None:
        self.link, self.action, self.told = link, action, told
        self.who = f"{tracker.name}: {told.by or 'somebody'}"
        self.person = self._person(told.by)
        self.at = datetime.fromisoformat(told.at).astimezone(UTC) if told.at else timezone.now()
        self.outcome: list[str] = []

    def apply(self) -> str:
        ways: dict[str, Callable[[str], str]] = {
            "title": self._title,
            "owner": self._owner,
            "due_on": self._due_on,
            "state": self._state,
        }
        for name, value in self.told.fields.items():
            self.outcome.append(f"{name}: {self._field(name, value, ways[name])}")
        return "; ".join(self.outcome) or "noted"

    def _field(self, name: str, value: str, way: Callable[[str], str]) -> str:
        ours = self.link.changed.get(name, "")
        own_words = name in self.link.pending and self.link.sent.get(name) == value
        if own_words:
            return "our own words"
        if ours and self.at <= datetime.fromisoformat(ours):
            self._note(f"The {name} was changed there before it was here: ours stays.", name, value)
            return "older than ours"
        self.link.changed[name] = self.at.isoformat()
        self.link.pending.pop(name, None)
        try:
            return way(value)
        except DomainError as error:
            self._note(f"Not taken over: {error.detail}", name, value)
            return "not taken over"

    def _title(self, value: str) -> str:
        return self._amend("title", checks.title(value))

    def _due_on(self, value: str) -> str:
        if not value:
            raise InvalidInputError("An action has a due date.")
        return self._amend("due_on", date.fromisoformat(value))

    def _amend(self, name: str, value: Any) -> str:
        old = getattr(self.action, name)
        if old == value:
            return "the same"
        if not self.action.is_to_do:
            raise InvalidInputError("What is finished stays as it is.")
        setattr(self.action, name, value)
        records.keep(self.action)
        self._write(Kind.AMENDED, changes={name: [str(old), str(value)]})
        return "taken over"

    def _owner(self, value: str) -> str:
        new = checks.owner(self._person(value)) if value and self._person(value) else None
        if new is None:
            raise InvalidInputError(f"Nobody of ours is {value or 'nobody'} there.")
        if new.pk == self.action.owner_id:
            return "the same"
        if not self.action.is_to_do:
            raise InvalidInputError("What is finished stays as it is.")
        old, self.action.owner = self.action.owner.username, new
        records.keep(self.action)
        self._write(Kind.REASSIGNED, changes={"owner": [old, new.username]})
        return "taken over"

    def _state(self, value: str) -> str:
        if value == "closed":
            return self._closed()
        self.link.awaits_reason = ""
        if not self.action.is_to_do:
            was = working.open_again(self.action)
            self._write(Kind.REOPENED, changes={"state": [was, "open"]})
            return "open again"
        if value == "in_progress" and self.action.state == State.OPEN:
            self.action.state = State.IN_PROGRESS
            records.keep(self.action)
            self._write(Kind.STARTED)
            return "started"
        return "the same"

    def _closed(self) -> str:
        if not self.action.is_to_do:
            return "the same"
        issue = self.told.issue
        if issue is not None and issue.given_up:
            self.link.awaits_reason = issue.why[:60]
            why = issue.why.replace("_", " ")
            self._note(
                f"Closed there ({why}) without being done: it waits for a reason here.", "state", "closed"
            )
            self._ask_for_a_reason(why)
            return "waits for a reason"
        working.finish(self.action, self.person or self.action.owner)
        self._write(Kind.DONE, note="Closed there as completed.")
        return "done"

    def _ask_for_a_reason(self, why: str) -> None:
        tell(
            people=[self.action.owner],
            kind=REASON_KIND,
            title=f"Say why it is not done: {self.action.title}",
            text=f"Its issue {self.link.key} was closed ({why}). Give the reason, or open it again there.",
            url=reverse("actions:detail", args=[self.action.pk]),
            key=f"{REASON_KIND}:{self.link.pk}:{self.at.isoformat()}",
        )

    def _person(self, login: str) -> User | None:
        known = TrackerPerson.objects.filter(tracker=self.link.tracker_id, login=login).select_related(
            "person"
        )
        found = known.first() if login else None
        return found.person if found and found.person.is_active else None

    def _note(self, text: str, name: str, theirs: str) -> None:
        ours = str(getattr(self.action, name, ""))
        self._write(Kind.SYNCED, note=text, changes={name: [ours, theirs]})

    def _write(self, kind: str, *, note: str = "", changes: dict[str, Any] | None = None) -> None:
        records.write(self.action, kind, self.who, note=note, changes=changes, echo=False)
