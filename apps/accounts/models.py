"""People, service accounts, teams, roles, API tokens and the link that makes the first administrator."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.crypto import salted_hmac

HEX_DIGEST = 64


class Role(models.TextChoices):
    VIEWER = "viewer"
    RESPONDER = "responder"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    PROGRAMME_OWNER = "programme_owner"
    PRIVACY_OFFICER = "privacy_officer"
    ADMIN = "admin"


AUTHORS = frozenset({Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN})
"""Who writes incidents, postmortems, insights and actions."""


class User(AbstractUser):
    """A person or a service account."""

    is_service = models.BooleanField(default=False)
    session_epoch = models.PositiveIntegerField(default=0)  # counted up to end all sessions at once

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            # Two approvals must come from two people: `Ann` and `ann` may not both exist.
            models.UniqueConstraint(Lower("username"), name="accounts_user_username_any_case"),
        ]

    @property
    def name(self) -> str:
        """What others call the person: the full name, or else the user name."""
        return self.get_full_name() or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's hash of the password, and the epoch: a session of an earlier epoch belongs to nobody."""
        key_salt = "apps.accounts.models.User.session"
        value = f"{self.password}:{self.session_epoch}"
        return salted_hmac(key_salt, value, secret=secret, algorithm="sha256").hexdigest()

    def roles(self) -> frozenset[str]:
        """The roles held now; one query per loaded row."""
        held = self.__dict__.get("_roles")
        if held is None:
            held = frozenset(self.role_grants.values_list("role", flat=True))
            self.__dict__["_roles"] = held
        return held

    def has_role(self, *wanted: str) -> bool:
        """Whether at least one of `wanted` is held. An admin holds `admin`, and no other role by that."""
        return not self.roles().isdisjoint(wanted)


class RoleGrant(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_grants")
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role"], name="accounts_rolegrant_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="accounts_rolegrant_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.role}"


class Team(models.Model):
    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="accounts_membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.team_id}: {self.user_id}"


class ApiToken(models.Model):
    """A bearer token, of which only the SHA-256 is kept. Rows outlive expiry and revocation, as a record."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=120)
    digest = models.CharField(max_length=HEX_DIGEST, unique=True)
    hint = models.CharField(max_length=12)  # first characters, to recognise a token in a list or a leak
    scopes = ArrayField(models.CharField(max_length=40))
    min_confidence = models.FloatField(null=True, blank=True)  # a cautious consumer sees nothing below it
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(scopes__len__gt=0), name="accounts_apitoken_scoped"),
            models.CheckConstraint(
                condition=models.Q(min_confidence__isnull=True)
                | models.Q(min_confidence__gte=0, min_confidence__lte=1),
                name="accounts_apitoken_min_confidence",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")),
                name="accounts_apitoken_expires_later",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    def allows(self, scope: str) -> bool:
        """`api` stands for everything that the token's person may do."""
        return "api" in self.scopes or scope in self.scopes


class FirstAdminLink(models.Model):
    """A single-use link, of which only the SHA-256 is kept."""

    digest = models.CharField(max_length=HEX_DIGEST, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"first administrator, until {self.expires_at:%Y-%m-%d %H:%M}"


class Invitation(models.Model):
    """Somebody may make an account, by a single-use link of which only the SHA-256 is kept."""

    email = models.EmailField()
    roles = ArrayField(models.CharField(max_length=20), default=list)
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    digest = models.CharField(max_length=HEX_DIGEST, unique=True)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    person = models.OneToOneField(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="invitation"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"),
                condition=models.Q(used_at=None, withdrawn_at=None),
                name="accounts_invitation_one_open",
            ),
            models.CheckConstraint(
                condition=models.Q(roles__contained_by=Role.values), name="accounts_invitation_known_roles"
            ),
            models.CheckConstraint(
                condition=models.Q(used_at__isnull=True, person__isnull=True)
                | models.Q(used_at__isnull=False, person__isnull=False, withdrawn_at__isnull=True),
                name="accounts_invitation_used_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email}, until {self.expires_at:%Y-%m-%d %H:%M}"
