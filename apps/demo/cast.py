"""The people of the demo: one for each role, and the detector."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from apps.accounts import people as accounts
from apps.accounts import tokens
from apps.accounts.cast import CastMember
from apps.accounts.models import ApiToken, Role, Team, User

from .models import DemoInstallation

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN_NAME = "demo"  # noqa: S105  # what the token is called, not the token
TOKEN_LIFE = timedelta(days=30)
ACTOR = "demo"
TEAM = ("shop-reliability", "Shop reliability")
MODEL_SCOPES = [
    "features:read",
    "releases:write",
    "insights:read",
    "postmortems:read",
    "telemetry:read",
    "alerts:read",
    "alerts:write",
]


@dataclass(frozen=True)
class Part:
    """Somebody whom a visitor of the demo can be."""

    username: str
    name: str
    role: Role
    line: str


CAST = (
    Part("robin", "Robin Vale", Role.RESPONDER, "was on call, writes the postmortem, proposes insights"),
    Part("sam", "Sam Ito", Role.REVIEWER, "scores insights and approves them, or asks for changes"),
    Part("kim", "Kim Osei", Role.OPERATOR, "runs the detectors; without Kim nothing goes live"),
    Part("alex", "Alex Moreau", Role.PROGRAMME_OWNER, "sees to it that lessons are learnt and measured"),
    Part("ada", "Ada Brandt", Role.ADMIN, "invites people and gives roles"),
    Part("noor", "Noor Haddad", Role.PRIVACY_OFFICER, "watches over what is written about people"),
    Part("lee", "Lee Park", Role.VIEWER, "reads along"),
)
COLLEAGUE = Part("jo", "Jo Lindqvist", Role.RESPONDER, "a second responder")
DETECTOR = "detector-shop"
HOLDERS = {"responder": "robin", "reviewer": "sam", "operator": "kim", "model": DETECTOR}


def people() -> list[CastMember]:
    """Whom a visitor may sign in as: everybody of the cast while this installation is a demo, else nobody."""
    if not DemoInstallation.objects.exists():
        return []
    return [CastMember(part.username, part.name, part.role.label.lower(), part.line) for part in CAST]


def assemble() -> dict[str, User]:
    """Everybody by user name, made where missing."""
    team = Team.objects.get_or_create(slug=TEAM[0], defaults={"name": TEAM[1]})[0]
    found = {member.username: _person(member, team) for member in (*CAST, COLLEAGUE)}
    detector = User.objects.filter(username=DETECTOR).first()
    found[DETECTOR] = detector or accounts.create_person(
        username=DETECTOR, email="", roles=[Role.VIEWER], is_service=True, actor=ACTOR
    )
    return found


def _person(member: Part, team: Team) -> User:
    known = User.objects.filter(username=member.username).first()
    if known is not None:
        return known
    made = accounts.create_person(
        username=member.username,
        email=f"{member.username}@shop.example",
        roles=[member.role],
        team=team,
        actor=ACTOR,
    )
    made.first_name, _, made.last_name = member.name.partition(" ")
    made.save(update_fields=["first_name", "last_name"])
    return made


def fresh_tokens(cast: Mapping[str, User]) -> dict[str, str]:
    """A new token for each part; those of the start before end, since their plain text is gone."""
    return {part: _token(cast[name], part) for part, name in HOLDERS.items()}


def _token(person: User, part: str) -> str:
    for old in ApiToken.objects.filter(user=person, name=TOKEN_NAME, revoked_at=None):
        tokens.revoke(token_id=old.pk, user=person)
    scopes = MODEL_SCOPES if part == "model" else ["api"]
    return tokens.issue(user=person, name=TOKEN_NAME, scopes=scopes, expires_in=TOKEN_LIFE, actor=ACTOR)
