"""Plain verbs on the catalogue for the transactions of others, and the one use case: describe a service."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django.db import transaction

from apps.accounts.models import Team
from apps.audit import ledger
from apps.common.errors import InvalidInputError, NotFoundError

from .models import MAX_NAME, MAX_SLUG, Service, Term

if TYPE_CHECKING:
    from apps.accounts.models import User


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
