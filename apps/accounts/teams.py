"""Teams and who belongs to them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from apps.audit import ledger
from apps.common.errors import DomainError, InvalidInputError, NotFoundError

from .models import Membership, Team, User

MAX_NAME = 120
MAX_SLUG = 80


class TeamTakenError(DomainError):
    """There is a team of this short name."""

    code = "team_taken"


@transaction.atomic
def create(*, name: str, actor: str) -> Team:
    """Make a team; its short name, which never changes, is made of the name.

    Raises:
        InvalidInputError: the name is empty, too long, or has no letter or digit to make a short name of.
        TeamTakenError: a team has this short name.
    """
    name = _checked(name)
    slug = slugify(name)[:MAX_SLUG].strip("-_")
    if not slug:
        raise InvalidInputError("The name needs a Latin letter or a digit.", field="name")
    try:
        with transaction.atomic():
            team = Team.objects.create(slug=slug, name=name)
    except IntegrityError as exc:
        raise TeamTakenError(f"There is a team {slug}.", field="name") from exc
    _record("team_created", team, actor, {"name": name})
    return team


@transaction.atomic
def rename(*, slug: str, name: str, actor: str) -> Team:
    """Give the team another name; its short name stays, so that nothing that points to it breaks.

    Raises:
        NotFoundError: no such team.
        InvalidInputError: the name is empty or too long.
    """
    team = _locked(slug)
    team.name = _checked(name)
    team.save(update_fields=["name"])
    _record("team_renamed", team, actor, {"name": team.name})
    return team


@transaction.atomic
def add_member(*, slug: str, username: str, actor: str) -> None:
    """Take somebody into the team; twice is once.

    Raises:
        NotFoundError: no such team.
        InvalidInputError: no such active person.
    """
    team = _locked(slug)
    person = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if person is None:
        raise InvalidInputError("There is no active person of this user name.", field="username")
    _, made = Membership.objects.get_or_create(team=team, user=person)
    if made:
        _record("team_member_added", team, actor, {"username": person.username})


@transaction.atomic
def remove_member(*, slug: str, person_id: int, actor: str) -> None:
    """Let somebody out of the team; who is not in it does no harm.

    Raises:
        NotFoundError: no such team or person.
    """
    team = _locked(slug)
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFoundError("There is no such person.")
    if Membership.objects.filter(team=team, user=person).delete()[0]:
        _record("team_member_removed", team, actor, {"username": person.username})


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or "\x00" in name:
        raise InvalidInputError(f"A team needs a name of at most {MAX_NAME} characters.", field="name")
    return name


def _locked(slug: str) -> Team:
    team = Team.objects.select_for_update().filter(slug=slug).first()
    if team is None:
        raise NotFoundError("There is no such team.")
    return team


def _record(action: str, team: Team, actor: str, data: dict[str, Any]) -> None:
    ledger.record(
        actor=actor, action=action, object_type="team", object_id=team.pk, data={"slug": team.slug, **data}
    )
