"""Plain verbs on the catalogue for the transactions of others; describe a service; protect times."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Role, Team
from apps.analysis import recurrence, rrules
from apps.analysis.types import MINUTE_US
from apps.audit import ledger
from apps.common.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError
from apps.common.times import iso_us

from . import windows
from .models import (
    MAX_NAME,
    MAX_REASON,
    MAX_SLUG,
    MAX_WINDOW,
    MIN_WINDOW,
    ProtectedWindow,
    Service,
    Term,
)

if TYPE_CHECKING:
    from datetime import datetime

    from apps.accounts.models import User

EARLIEST, LATEST = 2000, 2200


class WindowEndedError(DomainError):
    """The window was ended already, or is over."""

    code = "window_ended"


class ServiceNameError(InvalidInputError):
    """Not the name of a service."""

    code = "bad_service_name"


def clean_slug(slug: str, *, field: str = "service") -> str:
    """The slug as composed Unicode (a Mac stores `é` as two characters).

    Raises:
        ServiceNameError: empty, too long, with a slash, or with a character that no URL or page could carry.
    """
    text = unicodedata.normalize("NFC", slug)
    odd = [c for c in text if c in "/\\" or not c.isprintable()]
    if not text or text != text.strip() or len(text) > MAX_SLUG or text in {".", ".."} or odd:
        raise ServiceNameError(
            f"A service is named by 1 to {MAX_SLUG} visible characters without slash or backslash.",
            field=field,
        )
    return text


def ensure_service(slug: str) -> Service:
    """The service of this name, made if it is new; safe when several callers are first at once.

    Raises:
        ServiceNameError: see `clean_slug`.
    """
    return Service.objects.get_or_create(slug=clean_slug(slug))[0]


@transaction.atomic
def edit_service(*, slug: str, name: str, tier: str, owner: str, editor: User) -> Service:
    """Say how a service is called, how much depends on it (a code, "" unknown), and which team owns it.

    Raises:
        NotFoundError: no such service.
        InvalidInputError: a name that is too long or cannot be stored, no such tier, no such team.
    """
    service = Service.objects.select_for_update(of=("self",), no_key=True).filter(slug=slug).first()
    if service is None:
        raise NotFoundError("There is no such service.", field="slug")
    if len(name) > MAX_NAME or not name.isprintable():
        raise InvalidInputError(f"A name has at most {MAX_NAME} visible characters.", field="name")
    service.name = name.strip()
    service.tier = _tier(tier, kept=service.tier)
    service.owner = _team(owner)
    service.save(update_fields=["name", "tier", "owner"])
    ledger.record(
        actor=editor.username,
        action="service_edited",
        object_type="service",
        object_id=slug,
        data={"name": service.name, "tier": tier, "owner": owner},
    )
    return service


@transaction.atomic
def add_window(
    *,
    service: str = "",
    start_at: datetime | None = None,
    end_at: datetime | None = None,
    rrule: str = "",
    duration_min: int | None = None,
    reason: str,
    actor: User,
) -> ProtectedWindow:
    """Protect a service (a slug; "" is the whole fleet) once, or by a rule for some minutes each time.

    A rule counts from `start_at` on, which is now if it is not given.

    Raises:
        ForbiddenError: the actor is neither operator nor administrator.
        InvalidInputError: no such service, times out of order, a rule that cannot be read or leaves no free
            moment; `field` names it.
    """
    _keeper(actor)
    found = Service.objects.filter(slug=service).first() if service and "\0" not in service else None
    if service and found is None:
        raise InvalidInputError(
            "There is no such service.", field="service", remedy="Leave it empty for all."
        )
    _check_reason(reason)
    start = start_at or timezone.now()
    _check_times(start, end_at, by_rule=bool(rrule.strip()), given=start_at is not None)
    rule = _check_rule(rrule, duration_min)
    windows.lock()
    window = ProtectedWindow.objects.create(
        service=found,
        start_at=start,
        end_at=end_at,
        rrule=rule,
        duration_min=duration_min if rule else None,
        reason=reason.strip(),
        created_by=actor,
    )
    ledger.record(
        actor=actor.username,
        action="window_added",
        object_type="protected_window",
        object_id=window.pk,
        data={
            "service": service or None,
            "start_at": iso_us(start),
            "end_at": iso_us(end_at) if end_at else None,
            "rrule": rule,
            "duration_min": window.duration_min,
            "reason": window.reason,
        },
    )
    return window


@transaction.atomic
def end_window(*, window_id: int, actor: User) -> ProtectedWindow:
    """Protect nothing by this window from now on; what it protected until now stays so.

    Raises:
        NotFoundError: no such window.
        ForbiddenError: the actor is neither operator nor administrator.
        WindowEndedError: it was ended already, or is over.
    """
    _keeper(actor)
    windows.lock()
    window = (
        ProtectedWindow.objects.visible_to(actor).select_for_update(of=("self",)).filter(pk=window_id).first()
    )
    if window is None:
        raise NotFoundError("There is no such protected window.", field="id")
    now = timezone.now()
    if window.ended_at is not None or (window.end_at is not None and window.end_at <= now):
        raise WindowEndedError("This window is over already.")
    window.ended_at, window.ended_by = now, actor
    window.save(update_fields=["ended_at", "ended_by"])
    ledger.record(
        actor=actor.username, action="window_ended", object_type="protected_window", object_id=window.pk
    )
    return window


def _keeper(actor: User) -> None:
    if not actor.has_role(Role.OPERATOR, Role.ADMIN):
        raise ForbiddenError(
            "Operators and administrators keep protected windows.", remedy="Ask one of them."
        )


def _check_reason(reason: str) -> None:
    if "\0" in reason or not any(character.isalnum() for character in reason):
        raise InvalidInputError("Write why.", field="reason", remedy="Who is refused reads it.")
    if len(reason.strip()) > MAX_REASON:
        raise InvalidInputError(f"At most {MAX_REASON} characters.", field="reason")


def _check_times(start: datetime, end: datetime | None, *, by_rule: bool, given: bool) -> None:
    for name, moment in (("start_at", start), ("end_at", end)):
        if moment is not None and not EARLIEST <= moment.year < LATEST:
            raise InvalidInputError(f"A year from {EARLIEST} to {LATEST - 1}.", field=name)
    if not by_rule and not given:
        raise InvalidInputError("Say when it starts.", field="start_at", remedy="Or give a rule.")
    if not by_rule and end is None:
        raise InvalidInputError("Say when it ends.", field="end_at", remedy="Or give a rule.")
    if end is not None and end <= start:
        raise InvalidInputError("It ends before it starts.", field="end_at", remedy="Give a later time.")


def _check_rule(text: str, duration_min: int | None) -> str:
    """The rule in its canonical form; empty for none."""
    if not text.strip():
        if duration_min is not None:
            raise InvalidInputError(
                "A duration belongs to a rule.", field="duration_min", remedy="Give start and end, or a rule."
            )
        return ""
    if duration_min is None or not MIN_WINDOW <= duration_min <= MAX_WINDOW:
        raise InvalidInputError("A rule needs a duration of 1 minute to 24 hours.", field="duration_min")
    try:
        rule = rrules.parse(text)
    except ValueError as error:
        raise InvalidInputError(
            f"{error}.", field="rrule", remedy="For example FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=8"
        ) from error
    if recurrence.busiest_week_share(rule, duration_min * MINUTE_US) >= 1:
        raise InvalidInputError(
            "This rule would leave no free moment in a whole week.",
            field="duration_min",
            remedy="Give a shorter duration or fewer times.",
        )
    return rule.text


def _tier(code: str, *, kept: Term | None) -> Term | None:
    if not code or (kept is not None and kept.code == code):
        return kept if code else None
    tier = Term.objects.filter(vocabulary="service_tier", code=code, retired=False).first()
    if tier is None:
        raise InvalidInputError(f"{code[:60]!a} is no tier.", field="tier")
    return tier


def _team(slug: str) -> Team | None:
    team = Team.objects.filter(slug=slug).first() if slug else None
    if slug and team is None:
        raise InvalidInputError(f"There is no team {slug[:80]!a}.", field="owner")
    return team
